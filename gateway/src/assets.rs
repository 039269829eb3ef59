//! The built web client, out of the binary: compressed beforehand, kept by browsers for
//! ever where its name says what it holds, and under the strictest policy that it works with.

mod file;
mod head;
mod product;
mod violation;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use call::{Code, ConnectError};
use http::header::{
    ACCEPT, ALLOW, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use peers::Peers;
use percent_encoding::percent_decode_str;

use file::File;
use product::{Known, Products};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'; object-src 'none'; \
    require-trusted-types-for 'script'; trusted-types default; report-uri /csp-reports";
/// Switches off what no page uses. What a browser does not know it warns of at every page, so
/// this lists what all of Chromium's stable releases do.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), \
    encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), \
    microphone=(), midi=(), payment=(), picture-in-picture=(), \
    publickey-credentials-get=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()";
const GUARDS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The page that the client makes all others of.
const INDEX: &str = "index.html";
/// Below it stand the pages of products, by SKU.
const PRODUCTS: &str = "/shop/products/";

/// Answers every path that is no rpc: files, and the page for the paths that it routes.
pub fn pages(peers: &Peers) -> Router {
    Router::new()
        .route(violation::PATH, any(violated))
        .fallback(answer)
        .with_state(Products::new(peers))
}

async fn violated(request: Request) -> Response {
    guarded(violation::report(request).await)
}

async fn answer(State(products): State<Products>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refused = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]);
        return guarded(refused.into_response());
    }
    let (path, headers) = (request.uri().path(), request.headers());
    let file = |name| File::find(name, headers).map(|file| file.respond(headers));
    let below = path.strip_prefix(PRODUCTS);
    let product = below.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    // Without a product it is a way into the shop like any other.
    if let Some(product) = product.filter(|product| !product.is_empty()) {
        let sku = percent_decode_str(product).decode_utf8_lossy();
        let page = product_page(&products.find(&sku).await, headers);
        return page.map_or_else(not_built, guarded);
    }
    if is_page(path) {
        return file(INDEX).map_or_else(not_built, guarded);
    }
    let found = file(path.trim_start_matches('/')).or_else(|| {
        // Whoever typed the address reads on a page that nothing stands there.
        let page = File::find(INDEX, headers).filter(|_| wants_page(headers));
        let mut page = page.map(File::respond_missing)?;
        page.headers_mut()
            .append(VARY, HeaderValue::from_static("accept"));
        Some(page)
    });
    found.map_or_else(not_found, guarded)
}

/// Whether a person's browser asks, to show what it gets.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|list| list.starts_with("text/html"))
}

/// The paths that the web client routes by itself.
fn is_page(path: &str) -> bool {
    let routed = ["/shop/", "/account/", "/docs/"];
    matches!(path, "/" | "/shop" | "/account" | "/docs")
        || routed.iter().any(|prefix| path.starts_with(prefix))
}

/// The page of a product, as far as it is known. One that was written to is sent as it is: it
/// is two kilobytes, and its rest was compressed beforehand.
fn product_page(known: &Known, headers: &HeaderMap) -> Option<Response> {
    let page = File::find(INDEX, headers)?;
    Some(match known {
        Known::Sold(head) => File::plain(INDEX)?
            .rewrite(|text| head.write(text))
            .unwrap_or(page)
            .respond(headers),
        Known::Nowhere => page.respond_missing(),
        Known::Unsure => page.respond(headers),
    })
}

fn guarded(mut response: Response) -> Response {
    for (name, value) in GUARDS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn not_built() -> Response {
    let text = "The web client is not in this binary. Build it with `just web` and build again; \
        the rpcs answer without it.\n";
    guarded((StatusCode::NOT_FOUND, text).into_response())
}

fn not_found() -> Response {
    let mut response = ConnectError::new(Code::NotFound, "Nothing is here").into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    guarded(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: G1
    #[test]
    fn only_the_clients_own_paths_fall_back_to_its_page() {
        for page in ["/", "/shop/search", "/account/orders/7", "/docs/start"] {
            assert!(is_page(page), "{page}");
        }
        for other in ["/shopping", "/assets/x.js", "/users", "/metrics", "/.env"] {
            assert!(!is_page(other), "{other}");
        }
    }

    /// row: S-17
    #[test]
    fn every_answer_carries_the_policies() {
        let response = guarded(Response::default());
        let policy = |name: HeaderName| response.headers()[name].to_str().unwrap();
        let content = policy(CONTENT_SECURITY_POLICY);
        assert!(content.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(content.contains("; require-trusted-types-for 'script'; trusted-types default; "));
        assert!(content.ends_with(&format!("; report-uri {}", violation::PATH)));
        assert!(!content.contains("unsafe"));
        let permissions = policy(HeaderName::from_static("permissions-policy"));
        assert!(permissions.split(", ").all(|one| one.ends_with("=()")));
    }
}

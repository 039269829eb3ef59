//! The built web client, out of the binary: compressed beforehand, kept by browsers for
//! ever where its name says what it holds, and under the strictest policy that it works with.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rpc::{Code, ConnectError};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `npm run build` left in `web-client/dist`.
#[derive(RustEmbed)]
#[folder = "../web-client/dist"]
struct WebClient;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'; object-src 'none'; \
    require-trusted-types-for 'script'";
const SAME_ORIGIN: [HeaderName; 2] = [
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderName::from_static("cross-origin-resource-policy"),
];

/// A file whose name carries a hash of what is in it never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// A picture changes seldom, and its tag tells when.
const AN_HOUR: &str = "public, max-age=3600";
/// A page is asked for anew each time, and mostly answered with 304.
const REVALIDATE: &str = "no-cache";

/// Answers every path that is no rpc: files, and the page for the paths that it routes.
pub fn pages() -> Router {
    Router::new().fallback(answer)
}

async fn answer(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    let path = request.uri().path();
    let name = match is_page(path) {
        true => "index.html",
        false => path.trim_start_matches('/'),
    };
    match find(name, request.headers()) {
        Some(found) => found.respond(request.headers()),
        None if is_page(path) => not_built(),
        None => not_found(),
    }
}

/// The paths that the web client routes by itself.
fn is_page(path: &str) -> bool {
    let routed = ["/shop/", "/account/", "/docs/"];
    matches!(path, "/" | "/shop" | "/account" | "/docs")
        || routed.iter().any(|prefix| path.starts_with(prefix))
}

struct Found {
    file: EmbeddedFile,
    kind: &'static str,
    encoding: Option<&'static str>,
    cache: &'static str,
}

/// The file of that name, in the best encoding that the client takes.
fn find(name: &str, headers: &HeaderMap) -> Option<Found> {
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let accepts = |encoding: &str| {
        accepted.is_some_and(|list| {
            list.split(',').any(|item| {
                let (offered, weight) = item.split_once(';').unwrap_or((item, ""));
                offered.trim() == encoding && weight.trim() != "q=0"
            })
        })
    };
    let encoded = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .find_map(|(encoding, ending)| {
            let file = accepts(encoding).then(|| WebClient::get(&format!("{name}.{ending}")))??;
            Some((file, Some(encoding)))
        });
    let plain = || WebClient::get(name).map(|file| (file, None));
    let (file, encoding) = encoded.or_else(plain)?;
    Some(Found {
        file,
        kind: kind(name)?,
        encoding,
        cache: cache(name),
    })
}

/// The content type by the name's ending. A file of no known kind is not served: what lies
/// in the folder by accident stays there.
fn kind(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

fn cache(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("assets/products/") => AN_HOUR,
        _ if name.starts_with("assets/") => FOREVER,
        _ => REVALIDATE,
    }
}

impl Found {
    fn respond(self, headers: &HeaderMap) -> Response {
        let hash = self.file.metadata.sha256_hash();
        let hex: String = hash[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let tag = format!("\"{hex}\"");
        let known = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let same = known
            .flat_map(|list| list.split(','))
            .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
        let mut response = match same {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => Response::new(Body::from(self.file.data)),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(ETAG, tag);
        }
        if !same {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            if let Some(encoding) = self.encoding {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
        }
        guarded(response)
    }
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for name in SAME_ORIGIN {
        headers.insert(name, HeaderValue::from_static("same-origin"));
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
    response
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

    #[test]
    fn what_has_a_hash_in_its_name_is_kept_and_the_page_is_asked_for() {
        assert_eq!(cache("assets/index-abc.js"), FOREVER);
        assert_eq!(cache("assets/products/LMP-1.svg"), AN_HOUR);
        assert_eq!(cache("index.html"), REVALIDATE);
        assert_eq!(
            kind("index.html.br"),
            None,
            "an encoded file is no file of its own"
        );
    }

    /// row: S-17
    #[tokio::test]
    async fn every_answer_carries_the_policy() {
        let request = Request::builder().uri("/").body(Body::empty()).unwrap();
        let response = answer(request).await;
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(!policy.contains("unsafe"));
    }
}

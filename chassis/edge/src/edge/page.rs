//! What is not an rpc: health, and whatever pages this listener has.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bounds::{Client, PeerAddress};
use call::error;
use connectrpc_axum::prelude::{Code, ConnectError};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode};
use tower::ServiceExt;

use super::answer::Refusal;
use super::guard;
use super::protocol::Protocol;
use super::resolve::Resolved;
use crate::shared::Shared;

/// Answers it.
///
/// # Errors
/// 404 and 405.
pub(super) async fn answer(
    app: &Shared,
    request: Request<Body>,
    resolved: &Resolved,
) -> Result<Response, Refusal> {
    let path = request.uri().path();
    let own = app.readiness_page && path == "/readyz";
    if let Some(response) = app.health.probe(path).filter(|_| !own) {
        return guard::read_only(request.method()).map(|()| response);
    }
    // A file that never changes costs less than its refusal, and a page has many.
    if resolved.template() != "/assets/*" {
        let peer = request.extensions().get::<PeerAddress>();
        let address = peer.map(|peer| app.proxies.client(peer.0, request.headers()));
        if let Err(error) = app.rates.page(address.map(Client::Address)) {
            return Ok(in_words(&error));
        }
    }
    let plain = matches!(resolved.protocol, Protocol::Http | Protocol::ConnectGet);
    // What is put and deleted may be JSON, and is never meant for an rpc; nor is what comes where browsers report.
    let plain = plain || resolved.template() == "/csp-reports";
    match &app.pages {
        Some(pages) if plain || request.method() != Method::POST => {
            serve_page(pages, request).await
        }
        None if plain => Err(Refusal::ErrorAs(
            StatusCode::NOT_FOUND,
            ConnectError::new(Code::NotFound, "Nothing is here"),
        )),
        _ => Err(unknown(path)),
    }
}

/// A refusal for eyes: who asks for a page cannot read JSON.
fn in_words(error: &ConnectError) -> Response {
    let body = "You have asked for too much at once. Wait a moment and load the page again.\n";
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    for (name, value) in error::meta(error) {
        headers.insert(name, value.clone());
    }
    response
}

async fn serve_page(pages: &Router, request: Request<Body>) -> Result<Response, Refusal> {
    match pages.clone().oneshot(request).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}

fn unknown(path: &str) -> Refusal {
    // A caller's own path comes back to it alone, cut to what a log line and a header bear.
    let shown: String = path.chars().take(200).collect();
    let error = ConnectError::new(
        Code::Unimplemented,
        format!("{shown} is not an rpc of this server"),
    );
    Refusal::ErrorAs(StatusCode::NOT_FOUND, error)
}

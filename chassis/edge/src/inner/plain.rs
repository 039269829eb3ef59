//! The commonest call, one message each way over Connect with nothing compressed, straight
//! to its handler. The library's layers for this half decompress, compress and bound a call
//! in five services, each with a future of its own; here they would only pass it on.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use call::metadata::ResponseMetadata;
use connectrpc_axum::context::{
    ConnectContext, MessageLimits, RequestProtocol, validate_protocol_version,
};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Request};
use tower::ServiceExt;

use super::{Rejected, body};

const CONNECT_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");

/// Whether neither side of a Connect call is or may be compressed.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    let compressed = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    !compressed && !headers.contains_key(ACCEPT_ENCODING)
}

/// Lets the handler answer a request whose message is whole.
pub(crate) async fn answer(
    handlers: &Router,
    mut request: Request<Body>,
    limits: MessageLimits,
    metadata: ResponseMetadata,
) -> Response {
    let version = request.headers().get(CONNECT_PROTOCOL_VERSION);
    if version.is_some_and(|version| version != "1")
        && let Some(error) = validate_protocol_version(&request, false)
    {
        return Rejected::response(error);
    }
    let context = ConnectContext {
        protocol: protocol(request.headers()),
        limits,
        ..ConnectContext::default()
    };
    request.extensions_mut().insert(context);
    match handlers.clone().oneshot(request).await {
        Ok(response) => body::finish(response, metadata, None).await,
        Err(never) => match never {},
    }
}

fn protocol(headers: &HeaderMap) -> RequestProtocol {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    match kind.is_some_and(|kind| kind.starts_with(b"application/proto")) {
        true => RequestProtocol::ConnectUnaryProto,
        false => RequestProtocol::ConnectUnaryJson,
    }
}

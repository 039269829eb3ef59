//! The commonest call of gRPC, one message each way, straight to its generated server. On the way of all others the
//! library's routes would look for the path once more, and two more futures and a copy of all headers be made of it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use call::metadata::ResponseMetadata;
use connectrpc_axum::tonic::CapturedParts;
use futures::future::BoxFuture;
use http::Request;
use http::header::{HeaderMap, HeaderName};

use super::{body, whole};

/// What it comes to.
pub(crate) type Answered = Result<http::Response<tonic::body::Body>, Infallible>;

/// A generated server, as one calls it: such a one is always ready.
pub(crate) type Server =
    Arc<dyn Fn(Request<tonic::body::Body>) -> BoxFuture<'static, Answered> + Send + Sync>;

/// All that tonic itself reads; the extractors of a handler have the whole.
const READ_BY_TONIC: [HeaderName; 2] = [
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// Lets the server answer a request whose message is whole.
pub(crate) async fn answer(
    server: &Server,
    request: Request<Body>,
    metadata: ResponseMetadata,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut headers = HeaderMap::new();
    for name in READ_BY_TONIC {
        if let Some(value) = parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    parts.extensions.insert(CapturedParts {
        method: parts.method.clone(),
        uri: parts.uri.clone(),
        version: parts.version,
        headers: std::mem::replace(&mut parts.headers, headers),
    });
    let request = Request::from_parts(parts, tonic::body::Body::new(body));
    match server(request).await {
        Ok(response) if body::has_trailers(response.headers()) => {
            whole::finish(response, metadata).await
        }
        Ok(response) => body::finish(response, metadata, None).await,
        Err(never) => match never {},
    }
}

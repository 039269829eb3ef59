//! Reflection for whoever speaks Connect, as `buf curl` does unless it is told otherwise. The
//! library speaks gRPC alone; a stream's messages have the same frame in both, so what differs is
//! translated here: the heads, and how a stream ends.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post_service;
use bytes::Bytes;
use connectrpc_axum::message::error::build_end_stream_frame;
use connectrpc_axum::prelude::{Code, ConnectError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::BodyExt;
use tonic::Status;
use tonic::service::Routes;
use tower::{ServiceExt, service_fn};

use crate::inner::{InnerLayer, Rejected};

const PROTO: HeaderValue = HeaderValue::from_static("application/connect+proto");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const CONNECT_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The streams of these services, which gRPC reaches by `routes`.
pub(super) fn streams(services: &[&str], routes: Routes) -> Router {
    let routes = routes.prepare();
    let stream = service_fn(move |request| {
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(carry(routes, request).await) }
    });
    let paths = services.iter();
    let paths = paths.map(|service| format!("/{service}/{}", super::RPC));
    paths
        .fold(Router::new(), |router, path| {
            router.route(&path, post_service(stream.clone()))
        })
        .layer(InnerLayer)
}

async fn carry(routes: Routes, mut request: Request) -> Response {
    let headers = request.headers_mut();
    if headers.get(CONTENT_TYPE) != Some(&PROTO) {
        let message = "Reflection speaks proto alone: application/connect+proto";
        return Rejected::response(ConnectError::new(Code::Unimplemented, message));
    }
    headers.insert(CONTENT_TYPE, GRPC);
    if let Some(encoding) = headers.remove(CONNECT_ENCODING) {
        headers.insert(GRPC_ENCODING, encoding);
    }
    let response = match routes.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (mut parts, body) = response.into_parts();
    let at_once = parts.headers.contains_key(Status::GRPC_STATUS);
    let body = match at_once {
        true => Body::from(end(&parts.headers)),
        false => Body::new(body.map_frame(|frame| match frame.into_trailers() {
            Ok(trailers) => Frame::data(end(&trailers)),
            Err(frame) => frame,
        })),
    };
    parts.headers = HeaderMap::from_iter([(CONTENT_TYPE, PROTO)]);
    Response::from_parts(parts, body)
}

/// The envelope in which Connect says what gRPC says in its trailers.
fn end(trailers: &HeaderMap) -> Bytes {
    let unknown = || Status::unknown("the stream ended without a status");
    let status = Status::from_header_map(trailers).unwrap_or_else(unknown);
    let error = (status.code() != tonic::Code::Ok).then(|| ConnectError::from(status));
    build_end_stream_frame(error.as_ref(), None).into()
}

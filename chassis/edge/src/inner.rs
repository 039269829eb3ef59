//! What stands directly around a handler on each half of the protocol switch, where the
//! framing of that half is visible: exactly one request message where its text hid them
//! from the edge, and the response's metadata and stream limits.

mod body;
pub(crate) mod direct;
mod end_stream;
pub(crate) mod grpc;
pub(crate) mod single;
pub(crate) mod unreadable;
mod whole;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use call::Deadline;
use call::metadata::ResponseMetadata;
use connectrpc_axum::prelude::ConnectError;
use futures::future::BoxFuture;
use http::Request;
use tower::{Layer, Service, ServiceExt};

use contract::Method;

pub(crate) use body::UnaryError;
pub(crate) use end_stream::EndStream;

/// The refusal of a layer below the edge, in the response's extensions; the edge writes
/// it in the caller's protocol.
#[derive(Clone)]
pub(crate) struct Rejected(pub(crate) ConnectError);

impl Rejected {
    pub(crate) fn response(error: ConnectError) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Self(error));
        response
    }
}

/// What the edge tells this layer of the call, in the request's extensions.
#[derive(Clone)]
pub(crate) struct Admitted {
    pub(crate) method: Arc<Method>,
    pub(crate) metadata: ResponseMetadata,
    pub(crate) deadline: Deadline,
    /// The longest message of a request in text, in bytes: only behind that can its messages be counted. The edge
    /// has counted those of all others.
    pub(crate) uncounted: Option<usize>,
}

/// Wraps a half of the switch.
#[derive(Clone, Copy)]
pub(crate) struct InnerLayer;

impl<S> Layer<S> for InnerLayer {
    type Service = Inner<S>;

    fn layer(&self, service: S) -> Inner<S> {
        Inner { service }
    }
}

/// See [`InnerLayer`].
#[derive(Clone)]
pub(crate) struct Inner<S> {
    service: S,
}

impl<S, B, R> Service<Request<B>> for Inner<S>
where
    S: Service<Request<Body>, Response = http::Response<R>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.service.clone();
        let mut request = request.map(Body::new);
        Box::pin(async move {
            let Some(admitted) = request.extensions_mut().remove::<Admitted>() else {
                let response = service.oneshot(request).await?;
                return Ok(response.map(Body::new));
            };
            if let Some(limit) = admitted.uncounted {
                match single::exactly_one(request, limit).await {
                    Ok(counted) => request = counted,
                    Err(refusal) => return Ok(Rejected::response(refusal)),
                }
            }
            let response = service.oneshot(request).await?;
            if admitted.method.is_unary() && body::has_trailers(response.headers()) {
                return Ok(whole::finish(response, admitted.metadata).await);
            }
            let limits = admitted
                .method
                .server_streaming
                .then_some(admitted.deadline);
            Ok(body::finish(response, admitted.metadata, limits).await)
        })
    }
}

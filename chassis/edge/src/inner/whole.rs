//! The answer of a gRPC call with one message: it is complete when the handler is done, so
//! it is taken together here, and nothing is left to watch on its way out.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use call::error::INTERNAL_MESSAGE;
use call::metadata::ResponseMetadata;
use connectrpc_axum::prelude::{Code, ConnectError};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tonic::Status;

use super::body::{extend, settle};

/// Takes the answer together and writes the metadata of its call. `response` has trailers
/// of its own, not among its headers.
pub(super) async fn finish<B>(response: http::Response<B>, metadata: ResponseMetadata) -> Response
where
    B: http_body::Body<Data = Bytes> + Send,
{
    let (mut parts, body) = response.into_parts();
    let mut body = pin!(body);
    let mut whole = Whole::default();
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => whole.data.push(data),
            Ok(Err(trailers)) => whole.trailers = trailers.into_trailers().ok(),
            Err(_) => {
                let error = ConnectError::new(Code::Internal, INTERNAL_MESSAGE);
                return super::Rejected::response(error);
            }
        }
    }
    let trailers = whole.trailers.get_or_insert_default();
    settle(trailers, &metadata);
    if trailers
        .get(Status::GRPC_STATUS)
        .is_none_or(|status| status != "0")
    {
        whole.data.clear(); // tonic leaves what it encoded of a message that is too long
    }
    let maps = metadata.maps();
    extend(trailers, &maps.trailers);
    extend(&mut parts.headers, &maps.headers);
    drop(maps);
    metadata.measured(whole.bytes());
    whole.data.reverse();
    Response::from_parts(parts, Body::new(whole))
}

/// Data, the last piece first, and then trailers.
#[derive(Default)]
struct Whole {
    data: Vec<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Whole {
    fn bytes(&self) -> u64 {
        self.data.iter().map(|data| data.len() as u64).sum()
    }
}

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = match self.data.pop() {
            Some(data) => Some(Frame::data(data)),
            None => self.trailers.take().map(Frame::trailers),
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    /// Never exact: what is exact becomes a content-length, which gRPC has none of.
    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        // More than it is in gRPC-Web's text, its trailers among it.
        let trailers = self.trailers.iter().flat_map(HeaderMap::iter);
        let trailers = trailers.map(|(name, value)| name.as_str().len() + value.len() + 4);
        hint.set_upper((self.bytes() + trailers.sum::<usize>() as u64 + 16) * 4 / 3 + 4);
        hint
    }
}

//! The commonest call, one message each way over Connect with nothing compressed, straight
//! to its handler. The library's layers for this half decompress, compress and bound a call
//! in five services, each with a future of its own; here they would only pass it on.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use call::metadata::ResponseMetadata;
use connectrpc_axum::context::{
    ConnectContext, MessageLimits, RequestProtocol, validate_protocol_version,
};
use connectrpc_axum::prelude::{Code, ConnectError};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Request};
use http_body::Body as _;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{Rejected, body};

/// Whether neither side of a Connect call is or may be compressed.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    let compressed = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    !compressed && !headers.contains_key(ACCEPT_ENCODING)
}

/// Reads the message and lets its handler answer.
pub(crate) async fn answer(
    handlers: &Router,
    parts: Parts,
    message: &mut Body,
    limits: MessageLimits,
    metadata: ResponseMetadata,
) -> Response {
    let message = match read(message, limits.receive_max_bytes_or_max()).await {
        Ok(message) => message,
        Err(error) => return Rejected::response(error),
    };
    let mut request = Request::from_parts(parts, Body::from(message));
    if let Some(error) = validate_protocol_version(&request, false) {
        return Rejected::response(error);
    }
    let context = ConnectContext {
        protocol: protocol(request.headers()),
        limits,
        ..ConnectContext::default()
    };
    request.extensions_mut().insert(context);
    match handlers.clone().oneshot(request).await {
        Ok(response) => body::finish(response, metadata, None),
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

/// The message, without a copy where it came in one piece.
///
/// # Errors
/// `resource_exhausted` beyond `limit` bytes, before they are held where the client says so;
/// `canceled` for a body that broke off.
async fn read(body: &mut Body, limit: usize) -> Result<Bytes, ConnectError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_long(limit));
    }
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let broken = |_| ConnectError::new(Code::Canceled, "The request broke off");
        let data = frame.map_err(broken)?.into_data().unwrap_or_default();
        if first.len() + more.len() + data.len() > limit {
            return Err(too_long(limit));
        }
        match first.is_empty() && more.is_empty() {
            true => first = data,
            false => {
                if more.is_empty() {
                    more.reserve(announced);
                    more.extend_from_slice(&std::mem::take(&mut first));
                }
                more.extend_from_slice(&data);
            }
        }
    }
    Ok(if more.is_empty() {
        first
    } else {
        more.freeze()
    })
}

fn too_long(limit: usize) -> ConnectError {
    let message = format!("The request is longer than the {limit} bytes that are taken");
    ConnectError::new(Code::ResourceExhausted, message)
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    async fn pass(bytes: &[u8], chunk: usize, limit: usize) -> Result<Bytes, Code> {
        let chunks: Vec<_> = bytes.chunks(chunk).map(Bytes::copy_from_slice).collect();
        let chunks = stream::iter(chunks.into_iter().map(Ok::<_, axum::Error>));
        let read = read(&mut Body::from_stream(chunks), limit).await;
        read.map_err(|error| error.code())
    }

    /// row: S-01
    #[tokio::test]
    async fn a_message_is_whole_however_it_is_cut_and_never_longer_than_its_limit() {
        for chunk in 1..=6 {
            assert_eq!(pass(b"hello", chunk, 5).await, Ok(Bytes::from("hello")));
            assert_eq!(pass(b"hello", chunk, 4).await, Err(Code::ResourceExhausted));
        }
        assert_eq!(pass(b"", 1, 0).await, Ok(Bytes::new()));
        let announced = &mut Body::from("hello");
        let refused = read(announced, 4).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(announced.size_hint().lower(), 5, "left for the drain");
    }
}

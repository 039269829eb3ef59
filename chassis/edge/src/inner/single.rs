//! A call that takes one message gets exactly one. The library answers none or two with
//! the wrong code, and tonic drops the second, so they are counted: by the edge where it can see them, and here
//! behind gRPC-Web's text. The edge has read the body to its end.

use axum::body::Body;
use bytes::{Buf, Bytes, BytesMut};
use connectrpc_axum::prelude::{Code, ConnectError};
use futures::stream::{self, StreamExt};
use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Full};

use super::unreadable;

/// Flags and length before each message of a stream.
const ENVELOPE_HEADER: usize = 5;

/// Passes the request on with its one message read. A message longer than `limit` is left
/// to the next layer, which refuses it without its being held here.
///
/// # Errors
/// `unimplemented` for no message or several, as the specifications ask.
pub(super) async fn exactly_one(
    request: Request<Body>,
    limit: usize,
) -> Result<Request<Body>, ConnectError> {
    if !is_enveloped(&request) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let body = read(body, limit).await?;
    Ok(Request::from_parts(parts, body))
}

fn is_enveloped(request: &Request<Body>) -> bool {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .map(|value| value.as_bytes());
    content_type.is_some_and(|value| {
        value.starts_with(b"application/connect+") || value.starts_with(b"application/grpc")
    })
}

async fn read(mut body: Body, limit: usize) -> Result<Body, ConnectError> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    loop {
        let held: &[u8] = if more.is_empty() { &first } else { &more };
        let length = held
            .get(1..ENVELOPE_HEADER)
            .map_or(0, |mut length| length.get_u32() as usize);
        if length > limit {
            let held = if more.is_empty() {
                first
            } else {
                more.freeze()
            };
            let held = stream::iter([Ok::<Bytes, axum::Error>(held)]);
            return Ok(Body::from_stream(held.chain(body.into_data_stream())));
        }
        if held.len() > ENVELOPE_HEADER + length {
            return Err(several());
        }
        let empty = held.is_empty();
        match body.frame().await {
            None if empty => return Err(none()),
            None if more.is_empty() => return Ok(Body::new(Full::new(first))),
            None => return Ok(Body::new(Full::new(more.freeze()))),
            Some(Err(_)) => return Err(unreadable::not_base64()), // nothing else is read here
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                if empty {
                    first = data;
                } else if !data.is_empty() {
                    if more.is_empty() {
                        more.extend_from_slice(&first);
                    }
                    more.extend_from_slice(&data);
                }
            }
        }
    }
}

/// Refuses what is not exactly one message, its header whole.
///
/// # Errors
/// `unimplemented`, as the specifications ask.
pub(crate) fn check(whole: &[u8]) -> Result<(), ConnectError> {
    let length = whole
        .get(1..ENVELOPE_HEADER)
        .map_or(0, |mut length| length.get_u32() as usize);
    match whole.len() {
        0 => Err(none()),
        bytes if bytes > ENVELOPE_HEADER + length => Err(several()),
        _ => Ok(()), // what breaks off is for the next layer to say
    }
}

fn none() -> ConnectError {
    ConnectError::new(Code::Unimplemented, "no request message")
}

fn several() -> ConnectError {
    ConnectError::new(Code::Unimplemented, "more than one request message")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(payload: &[u8]) -> Vec<u8> {
        [&[0][..], &(payload.len() as u32).to_be_bytes(), payload].concat()
    }

    async fn pass(bytes: &[u8], chunk: usize, limit: usize) -> Result<Vec<u8>, Code> {
        let chunks: Vec<_> = bytes.chunks(chunk).map(Bytes::copy_from_slice).collect();
        let body = Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, axum::Error>)));
        let request = Request::builder()
            .header(CONTENT_TYPE, "application/grpc")
            .body(body);
        match exactly_one(request.unwrap(), limit).await {
            Ok(request) => Ok(request
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .to_vec()),
            Err(error) => Err(error.code()),
        }
    }

    /// row: P-06
    #[tokio::test]
    async fn one_message_passes_however_it_is_cut_and_none_or_two_do_not() {
        let one = envelope(b"hello");
        let two = [one.clone(), one.clone()].concat();
        for chunk in 1..=two.len() {
            assert_eq!(pass(&one, chunk, 100).await, Ok(one.clone()));
            assert_eq!(pass(&two, chunk, 100).await, Err(Code::Unimplemented));
            assert_eq!(
                pass(&one, chunk, 4).await,
                Ok(one.clone()),
                "left to the next layer"
            );
        }
        assert_eq!(pass(b"", 1, 100).await, Err(Code::Unimplemented));
        assert_eq!(pass(&envelope(b""), 1, 100).await, Ok(envelope(b"")));
    }
}

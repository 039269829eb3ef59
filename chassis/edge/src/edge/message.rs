//! The one message of a request, read until it is whole before the call takes anybody's place: who sends slowly, or
//! never comes to an end, holds a share of his own and nothing else.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use bounds::Share;
use bytes::{Buf, Bytes, BytesMut};
use call::Deadline;
use connectrpc_axum::prelude::{Code, ConnectError};
use http_body::Body as _;
use http_body_util::BodyExt;

use super::answer::Refusal;
use super::drain::Drain;
use super::observe::Observation;
use super::protocol::Protocol;
use crate::inner::{single, unreadable};
use crate::shared::Route;

/// How long a client may take to send its message, however long its call may last: 30 s with the second in which what
/// is left of it is drained.
const SEND_TIME_MAX: Duration = Duration::from_secs(29);

/// Room that is made for what a client only announces.
const RESERVED_BYTES_MAX: usize = 64 << 10;

/// Flags and length before each message of a stream.
const ENVELOPE_HEADER_BYTES: usize = 5;

/// The line break that a text may end with.
const LINE_END_BYTES: usize = 2;

/// Waits for the message of a call that has only one, and returns its length.
pub(super) async fn arrive(
    body: &mut Drain,
    seen: &Observation,
    route: &Route,
    deadline: Deadline,
    share: Option<&mut Share>,
) -> Result<usize, Refusal> {
    if route.method.client_streaming {
        return Ok(0);
    }
    let (protocol, bytes_max) = (seen.resolved.protocol, route.receive_bytes_max);
    let message = {
        let mut reading = pin!(whole(body.body(), protocol, bytes_max, share));
        // Mostly it came with its head, and no time need be kept.
        match futures::poll!(reading.as_mut()) {
            Poll::Ready(message) => message?,
            Poll::Pending => {
                let by = seen.began + SEND_TIME_MAX;
                let reading = tokio::time::timeout_at(by.min(deadline.instant()), reading);
                reading.await.map_err(|_| slow())??
            }
        }
    };
    let bytes = message.len();
    body.fill(message);
    Ok(bytes)
}

/// Reads the body, without a copy where it came in one piece. `max` bounds the message, as it comes over the wire.
///
/// # Errors
/// `resource_exhausted` beyond `max`, before the bytes are held where the client says how many there are, and when the
/// client has too much under way; `canceled` for a body that broke off, `invalid_argument` for one that is not in chunks,
/// `unimplemented` for no message or several where they can be told apart.
pub(super) async fn whole(
    body: &mut Body,
    protocol: Protocol,
    max: usize,
    mut share: Option<&mut Share>,
) -> Result<Bytes, ConnectError> {
    let body_max = bytes_max(protocol, max);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > body_max {
        return Err(too_long(max));
    }
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreadable::broken(&error))?;
        let data = frame.into_data().unwrap_or_default();
        if first.len() + more.len() + data.len() > body_max {
            return Err(too_long(max));
        }
        if let Some(share) = share.as_mut().filter(|_| !body.is_end_stream()) {
            share.hold(data.len())?;
        }
        match first.is_empty() && more.is_empty() {
            true => first = data,
            false => {
                if more.is_empty() {
                    more.reserve(announced.min(RESERVED_BYTES_MAX));
                    more.extend_from_slice(&std::mem::take(&mut first));
                }
                more.extend_from_slice(&data);
            }
        }
        let held: &[u8] = if more.is_empty() { &first } else { &more };
        if is_enveloped(protocol) && claims(held) > max {
            return Err(too_long(max));
        }
    }
    let mut whole = match more.is_empty() {
        true => first,
        false => more.freeze(),
    };
    if protocol == (Protocol::GrpcWeb { text: true }) {
        // As programs write that end their text with a line break; the library takes it for base64.
        whole.truncate(whole.trim_ascii_end().len());
    }
    if is_enveloped(protocol) {
        single::check(&whole)?;
    }
    Ok(whole)
}

/// The longest body that a message of `max` bytes can make.
fn bytes_max(protocol: Protocol, max: usize) -> usize {
    match protocol {
        Protocol::Connect | Protocol::ConnectGet | Protocol::Http => max,
        Protocol::GrpcWeb { text: true } => {
            (max + ENVELOPE_HEADER_BYTES).div_ceil(3) * 4 + LINE_END_BYTES
        }
        Protocol::ConnectStream { .. } | Protocol::Grpc | Protocol::GrpcWeb { text: false } => {
            max + ENVELOPE_HEADER_BYTES
        }
    }
}

fn is_enveloped(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::ConnectStream { .. } | Protocol::Grpc | Protocol::GrpcWeb { text: false }
    )
}

/// How long the first message of a stream says that it is.
fn claims(held: &[u8]) -> usize {
    held.get(1..ENVELOPE_HEADER_BYTES)
        .map_or(0, |mut length| length.get_u32() as usize)
}

fn slow() -> Refusal {
    ConnectError::new(
        Code::DeadlineExceeded,
        "The request took too long to arrive",
    )
    .into()
}

fn too_long(max: usize) -> ConnectError {
    let message = format!("The request is longer than the {max} bytes that are taken");
    ConnectError::new(Code::ResourceExhausted, message)
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    async fn pass(
        protocol: Protocol,
        bytes: &[u8],
        chunk: usize,
        max: usize,
    ) -> Result<Bytes, Code> {
        let chunks: Vec<_> = bytes.chunks(chunk).map(Bytes::copy_from_slice).collect();
        let chunks = stream::iter(chunks.into_iter().map(Ok::<_, axum::Error>));
        let read = whole(&mut Body::from_stream(chunks), protocol, max, None).await;
        read.map_err(|error| error.code())
    }

    /// row: S-01
    #[tokio::test]
    async fn a_message_is_whole_however_it_is_cut_and_never_longer_than_its_limit() {
        let exhausted = Err(Code::ResourceExhausted);
        let framed = b"\0\0\0\0\x05hello";
        for chunk in 1..=10 {
            assert_eq!(
                pass(Protocol::Connect, b"hello", chunk, 5).await,
                Ok(Bytes::from("hello"))
            );
            assert_eq!(pass(Protocol::Connect, b"hello", chunk, 4).await, exhausted);
            assert_eq!(
                pass(Protocol::Grpc, framed, chunk, 5).await,
                Ok(Bytes::from_static(framed))
            );
            assert_eq!(pass(Protocol::Grpc, framed, chunk, 4).await, exhausted);
        }
        assert_eq!(pass(Protocol::Connect, b"", 1, 0).await, Ok(Bytes::new()));
        let announced = &mut Body::from("hello");
        let refused = whole(announced, Protocol::Connect, 4, None).await;
        assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
        assert_eq!(announced.size_hint().lower(), 5, "left for the drain");
    }

    /// row: S-09
    #[tokio::test]
    async fn a_message_that_claims_too_much_is_not_waited_for() {
        let endless = stream::iter([Ok::<_, axum::Error>(Bytes::from_static(
            b"\0\xff\xff\xff\xffxx",
        ))]);
        let endless = futures::StreamExt::chain(endless, stream::pending());
        let refused = whole(&mut Body::from_stream(endless), Protocol::Grpc, 100, None).await;
        assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
    }
}

//! Follows the envelopes of a Connect stream, wherever chunks are cut. Messages pass
//! untouched; the EndStream envelope is held back until the stream is over, so that
//! trailers can join it and the outcome is known.

use bytes::{BufMut, Bytes, BytesMut};
use connectrpc_axum::message::error::build_end_stream_frame;
use connectrpc_axum::prelude::ConnectError;
use http::HeaderMap;
use serde_json::{Map, Value};

use call::metadata::code_from_name;

use super::unreadable;

const HEADER: usize = 5;
const COMPRESSED: u8 = 0b01;
const END_STREAM: u8 = 0b10;

/// The frame of trailers that ends an answer of gRPC-Web.
const TRAILERS: u8 = 0x80;

/// The position in the stream.
pub(crate) struct EndStream {
    /// The flag of the envelope that is the last.
    last: u8,
    header: [u8; HEADER],
    /// How much of the current envelope's header has passed.
    filled: usize,
    /// How much of the current message is still to pass.
    remaining: usize,
    /// The EndStream envelope, as far as it has come.
    held: BytesMut,
}

impl EndStream {
    /// The beginning of a stream of Connect.
    pub(crate) fn of_connect() -> Self {
        Self::ended_by(END_STREAM)
    }

    /// The beginning of an answer of gRPC-Web.
    pub(crate) fn of_grpc_web() -> Self {
        Self::ended_by(TRAILERS)
    }

    fn ended_by(last: u8) -> Self {
        Self {
            last,
            header: [0; HEADER],
            filled: 0,
            remaining: 0,
            held: BytesMut::new(),
        }
    }

    /// Takes a chunk and returns what may go out of it now, possibly nothing.
    pub(crate) fn push(&mut self, data: Bytes) -> Bytes {
        if !self.held.is_empty() {
            self.held.extend_from_slice(&data);
            return Bytes::new();
        }
        let mut at = 0;
        while at < data.len() {
            if self.remaining > 0 {
                let skip = self.remaining.min(data.len() - at);
                self.remaining -= skip;
                at += skip;
                continue;
            }
            if self.filled == 0 && data[at] & self.last != 0 {
                self.held.extend_from_slice(&data[at..]);
                return data.slice(..at);
            }
            self.header[self.filled] = data[at];
            self.filled += 1;
            at += 1;
            if self.filled == HEADER {
                let [_, a, b, c, d] = self.header;
                self.remaining = u32::from_be_bytes([a, b, c, d]) as usize;
                self.filled = 0;
            }
        }
        data
    }

    /// Whether an envelope may begin here.
    pub(super) fn at_boundary(&self) -> bool {
        self.remaining == 0 && self.filled == 0 && self.held.is_empty()
    }

    /// How the stream ended, as its last envelope says.
    pub(crate) fn outcome(&self) -> Option<tonic::Code> {
        let payload = self.held.get(HEADER..)?;
        match self.held[0] & TRAILERS {
            0 => code(&serde_json::from_slice(payload).ok()?),
            _ => std::str::from_utf8(payload).ok()?.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let status = name.eq_ignore_ascii_case("grpc-status");
                status.then(|| tonic::Code::from_bytes(value.trim().as_bytes()))
            }),
        }
    }

    /// The last bytes of the stream and its outcome, once the inner body is over.
    pub(super) fn finish(&mut self, trailers: &HeaderMap) -> (Option<Bytes>, Option<tonic::Code>) {
        if self.held.is_empty() {
            return (None, None);
        }
        let held = self.held.split().freeze();
        match held.first() {
            Some(flags) if flags & COMPRESSED == 0 && held.len() >= HEADER => {
                merge(*flags, &held, trailers)
            }
            _ => (Some(held), None),
        }
    }
}

/// The envelope that ends a stream with `error`, trailers included.
pub(super) fn error_frame(error: &ConnectError, trailers: &HeaderMap) -> Bytes {
    let frame = Bytes::from(build_end_stream_frame(Some(error), None));
    merge(END_STREAM, &frame, trailers).0.unwrap_or(frame)
}

fn merge(flags: u8, held: &Bytes, trailers: &HeaderMap) -> (Option<Bytes>, Option<tonic::Code>) {
    let Ok(mut message) = serde_json::from_slice::<Map<String, Value>>(&held[HEADER..]) else {
        return (Some(held.clone()), None);
    };
    let said = |name| message.get("error")?.get(name)?.as_str();
    if let Some(ours) = said("message").and_then(unreadable::in_our_words) {
        let code = tonic::Status::from(ours.clone()).code();
        return (Some(error_frame(&ours, trailers)), Some(code));
    }
    let code = code(&message);
    if trailers.is_empty() {
        return (Some(held.clone()), code);
    }
    let metadata = message
        .entry("metadata")
        .or_insert_with(|| Map::new().into());
    if let Some(metadata) = metadata.as_object_mut() {
        for (name, value) in trailers {
            let values = metadata
                .entry(name.as_str())
                .or_insert_with(|| Value::Array(Vec::new()));
            if let (Some(values), Ok(value)) = (values.as_array_mut(), value.to_str()) {
                values.push(value.into());
            }
        }
    }
    let payload = Value::Object(message).to_string();
    let mut frame = BytesMut::with_capacity(HEADER + payload.len());
    frame.put_u8(flags);
    frame.put_u32(payload.len() as u32);
    frame.put_slice(payload.as_bytes());
    (Some(frame.freeze()), code)
}

fn code(message: &Map<String, Value>) -> Option<tonic::Code> {
    match message.get("error") {
        None => Some(tonic::Code::Ok),
        Some(error) => code_from_name(error.get("code")?.as_str()?),
    }
}

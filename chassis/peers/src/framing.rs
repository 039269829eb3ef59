//! The protocols in which a call passes through, as far as one must know them to say by when it
//! must be answered, and to learn how it ended. Whatever else there is in a body is not looked at.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use call::timeout::{self, CONNECT_TIMEOUT, GRPC_TIMEOUT};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::Value;
use tonic::{Code, Status};

/// Bytes of an ending that are read at most.
const ENDING_BYTES_MAX: usize = 16 << 10;
const ENVELOPE_BYTES: usize = 5;
/// Marks of an envelope that ends a stream: Connect's, and that of gRPC-Web.
const CONNECT_END: u8 = 0x02;
const TRAILERS: u8 = 0x80;

/// How a protocol puts messages and endings into bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One message of Connect is the body, an error is JSON.
    Bare,
    /// Envelopes, the last one says how it ended: streams of Connect, and gRPC-Web.
    Envelopes,
    /// The same in base64.
    Base64,
    /// gRPC: trailers say how it ended.
    Trailers,
}

impl Framing {
    /// That of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE);
        match kind.map_or(&b""[..], HeaderValue::as_bytes) {
            kind if kind.starts_with(b"application/connect+") => Self::Envelopes,
            kind if kind.starts_with(b"application/grpc-web-text") => Self::Base64,
            kind if kind.starts_with(b"application/grpc-web") => Self::Envelopes,
            kind if kind.starts_with(b"application/grpc") => Self::Trailers,
            _ => Self::Bare,
        }
    }

    /// Says in the request's protocol how long its answer is of use, for HTTP/2 not to index: hardly another message has
    /// the same, and it would push out of the table what all have.
    pub(crate) fn write_timeout(headers: &mut HeaderMap, left: Duration) {
        let kind = headers.get(CONTENT_TYPE);
        let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let (name, mut value) = match is_grpc {
            true => (GRPC_TIMEOUT, timeout::to_grpc(left)),
            false => (CONNECT_TIMEOUT, timeout::to_connect(left)),
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

/// How an answer ends, from what of it has passed so far.
#[derive(Debug)]
pub(crate) struct Ending {
    framing: Framing,
    status: StatusCode,
    code: Option<Code>,
    /// Base64 that is no whole group yet.
    group: Vec<u8>,
    /// An envelope's beginning, then what an ending has in it.
    gathered: Vec<u8>,
    /// The mark of the envelope whose bytes come, and how many are left.
    envelope: Option<(u8, usize)>,
}

impl Ending {
    /// That of an answer to a request so framed, whose head is here.
    pub(crate) fn of<T>(framing: Framing, response: &Response<T>) -> Self {
        let headers = response.headers();
        let told = headers.get(Status::GRPC_STATUS).map(code_of);
        let status = response.status();
        let good = status.is_success() || status == StatusCode::NOT_MODIFIED;
        let code = match framing {
            _ if told.is_some() => told,
            Framing::Bare if good => Some(Code::Ok),
            Framing::Bare if !headers.contains_key(CONTENT_ENCODING) => None,
            Framing::Envelopes | Framing::Base64 | Framing::Trailers if good => None,
            _ => Some(call::error::code_of_status(status)),
        };
        Self {
            framing,
            status,
            code,
            group: Vec::new(),
            gathered: Vec::new(),
            envelope: None,
        }
    }

    /// Reads on.
    pub(crate) fn data(&mut self, bytes: &[u8]) {
        match self.framing {
            _ if self.code.is_some() => {}
            Framing::Trailers => {}
            Framing::Bare => self.gather(bytes),
            Framing::Envelopes => self.envelopes(bytes),
            Framing::Base64 => {
                for byte in bytes {
                    self.group.push(*byte);
                    if self.group.len() == 4 {
                        let decoded = BASE64_STANDARD.decode(&self.group);
                        self.group.clear();
                        self.envelopes(&decoded.unwrap_or_default());
                    }
                }
            }
        }
    }

    /// Reads what came after the body.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(status) = trailers.get(Status::GRPC_STATUS) {
            self.code = Some(code_of(status));
        }
    }

    /// The body is over. How it ended.
    pub(crate) fn whole(&mut self) -> Code {
        if let (Framing::Bare, None) = (self.framing, self.code) {
            let error: Option<Value> = serde_json::from_slice(&self.gathered).ok();
            let named = error.as_ref().and_then(|error| named(&error["code"]));
            self.code = named.or(Some(call::error::code_of_status(self.status)));
        }
        self.code.unwrap_or(Code::Unknown)
    }

    /// How it ended, if what has passed says so. A bare message says it by being whole.
    pub(crate) fn told(&self) -> Option<Code> {
        self.code.filter(|_| self.framing != Framing::Bare)
    }

    fn gather(&mut self, bytes: &[u8]) {
        let room = ENDING_BYTES_MAX.saturating_sub(self.gathered.len());
        self.gathered
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn envelopes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() || matches!(self.envelope, Some((_, 0))) {
            match self.envelope {
                None => {
                    let missing = ENVELOPE_BYTES - self.gathered.len();
                    let (head, rest) = bytes.split_at(missing.min(bytes.len()));
                    self.gathered.extend_from_slice(head);
                    bytes = rest;
                    if let [mark, a, b, c, d] = self.gathered[..] {
                        self.gathered.clear();
                        let length = u32::from_be_bytes([a, b, c, d]) as usize;
                        self.envelope = Some((mark, length));
                    }
                }
                Some((mark, left)) => {
                    let (part, rest) = bytes.split_at(left.min(bytes.len()));
                    if mark & (CONNECT_END | TRAILERS) != 0 {
                        self.gather(part);
                    }
                    bytes = rest;
                    self.envelope = Some((mark, left - part.len()));
                    if left == part.len() {
                        self.envelope = None;
                        self.over(mark);
                    }
                }
            }
        }
    }

    /// An envelope is over.
    fn over(&mut self, mark: u8) {
        if mark & TRAILERS != 0 {
            let text = String::from_utf8_lossy(&self.gathered);
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            let status = lines.find(|(name, _)| name.eq_ignore_ascii_case("grpc-status"));
            self.code = status.map(|(_, code)| Code::from_bytes(code.trim().as_bytes()));
        } else if mark & CONNECT_END != 0 {
            let end: Option<Value> = serde_json::from_slice(&self.gathered).ok();
            self.code = end.map(|end| match end.get("error") {
                None => Code::Ok,
                Some(error) => named(&error["code"]).unwrap_or(Code::Unknown),
            });
        }
        self.gathered.clear();
    }
}

fn code_of(status: &HeaderValue) -> Code {
    Code::from_bytes(status.as_bytes())
}

fn named(code: &Value) -> Option<Code> {
    call::metadata::code_from_name(code.as_str()?)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn answer(status: u16, headers: &[(HeaderName, &'static str)]) -> Response<()> {
        let mut answer = Response::new(());
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            answer.headers_mut().insert(name, value);
        }
        answer
    }

    fn envelope(mark: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).expect("it is short");
        [&[mark][..], &length.to_be_bytes(), bytes].concat()
    }

    fn check(framing: Framing, answer: &Response<()>, body: &[u8], code: Code) {
        for size in 1..=body.len().max(1) {
            let mut ending = Ending::of(framing, answer);
            for piece in body.chunks(size) {
                ending.data(piece);
            }
            let body = String::from_utf8_lossy(body);
            assert_eq!(ending.whole(), code, "{framing:?} {body:?} by {size}");
        }
    }

    /// However a body is cut.
    #[test]
    fn an_ending_is_read_in_every_protocol() {
        let ok = answer(200, &[]);
        check(Framing::Bare, &ok, b"{\"code\":\"aborted\"}", Code::Ok);
        check(Framing::Bare, &answer(304, &[]), b"", Code::Ok);
        let error = b"{\"code\":\"aborted\",\"message\":\"\"}";
        check(Framing::Bare, &answer(409, &[]), error, Code::Aborted);
        check(Framing::Bare, &answer(405, &[]), b"", Code::Unknown);
        let packed = answer(503, &[(CONTENT_ENCODING, "gzip")]);
        check(Framing::Bare, &packed, b"x", Code::Unavailable);
        // A message may look like an ending.
        let message = envelope(0, &envelope(CONNECT_END, b"{}"));
        let ends = [
            (envelope(CONNECT_END, b"{}"), Code::Ok),
            (
                envelope(CONNECT_END, b"{\"error\":{\"code\":\"data_loss\"}}"),
                Code::DataLoss,
            ),
            (envelope(CONNECT_END, b"{\"error\":{}}"), Code::Unknown),
            (
                envelope(TRAILERS, b"grpc-message:x\r\ngrpc-status: 5\r\n"),
                Code::NotFound,
            ),
            (envelope(TRAILERS, b"Grpc-Status:0\r\n"), Code::Ok),
            (Vec::new(), Code::Unknown),
        ];
        for (end, code) in ends {
            let body = [&message[..], &envelope(0, b""), &end].concat();
            check(Framing::Envelopes, &ok, &body, code);
            // Each envelope is encoded by itself.
            let texts = [&message[..], &end].map(|one| BASE64_STANDARD.encode(one));
            check(Framing::Base64, &ok, texts.concat().as_bytes(), code);
        }
        let only = answer(200, &[(Status::GRPC_STATUS, "7")]);
        check(Framing::Trailers, &only, b"", Code::PermissionDenied);
        check(Framing::Trailers, &ok, b"x", Code::Unknown);
        check(Framing::Envelopes, &answer(415, &[]), b"x", Code::Unknown);
        let mut ending = Ending::of(Framing::Trailers, &ok);
        ending.trailers(only.headers());
        assert_eq!(ending.told(), Some(Code::PermissionDenied));
    }
}

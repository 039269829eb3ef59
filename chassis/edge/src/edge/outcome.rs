//! How a call ended, read from its answer where nobody noted it: from what another process
//! answered and this one carries on, and from what the library's layers refuse before a handler.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use call::metadata::code_from_name;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use tonic::{Code, Status};

use crate::inner::{EndStream, UnaryError};

/// What is known of it so far.
pub(super) struct Outcome {
    code: Option<Code>,
    stands: Stands,
}

/// Where it stands in the answer.
enum Stands {
    /// In its head.
    Ahead,
    /// In the JSON of an error, which is compressed if it likes; then the status says most of it.
    InJson,
    /// In trailers.
    InTrailers,
    /// In the last frame of the body.
    InFrames(EndStream),
    /// Likewise, and all of it is base64, of which less than four characters are left.
    InText(EndStream, Vec<u8>),
}

impl Outcome {
    pub(super) fn of(parts: &Parts) -> Self {
        let kind = parts.headers.get(CONTENT_TYPE);
        let kind = kind.map_or(&b""[..], |kind| kind.as_bytes());
        let begins = |name: &str| kind.starts_with(name.as_bytes());
        let code = status(&parts.headers);
        let stands = if code.is_some() {
            Stands::Ahead
        } else if begins("application/grpc-web-text") {
            Stands::InText(EndStream::of_grpc_web(), Vec::new())
        } else if begins("application/grpc-web") {
            Stands::InFrames(EndStream::of_grpc_web())
        } else if begins("application/grpc") {
            Stands::InTrailers
        } else if begins("application/connect+") {
            Stands::InFrames(EndStream::of_connect())
        } else if parts.status.is_success() || parts.status == StatusCode::NOT_MODIFIED {
            return Self {
                code: Some(Code::Ok),
                stands: Stands::Ahead,
            };
        } else {
            return Self {
                code: Some(by_status(parts.status)),
                stands: Stands::InJson,
            };
        };
        Self { code, stands }
    }

    /// Looks at a piece of the body.
    pub(super) fn see(&mut self, frame: &Frame<Bytes>) {
        if let Some(trailers) = frame.trailers_ref() {
            self.code = self.code.or_else(|| status(trailers));
        }
        let Some(data) = frame.data_ref() else {
            return;
        };
        match &mut self.stands {
            Stands::Ahead | Stands::InTrailers => {}
            Stands::InJson => {
                let error = UnaryError::read(data);
                let read = error.and_then(|error| code_from_name(&error.code));
                self.code = read.or(self.code);
            }
            Stands::InFrames(frames) => drop(frames.push(data.clone())),
            Stands::InText(frames, rest) => {
                // Each piece that was encoded by itself may end in padding.
                rest.extend_from_slice(data);
                let whole = rest.len() / 4 * 4;
                for four in rest.drain(..whole).as_slice().chunks(4) {
                    let three = BASE64_STANDARD.decode(four).unwrap_or_default();
                    drop(frames.push(three.into()));
                }
            }
        }
    }

    /// What came of it, as far as the answer says.
    pub(super) fn code(&self) -> Option<Code> {
        match &self.stands {
            Stands::InFrames(frames) | Stands::InText(frames, _) => frames.outcome(),
            Stands::Ahead | Stands::InJson | Stands::InTrailers => self.code,
        }
    }
}

fn status(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(status.as_bytes()))
}

/// The commonest of the codes that have this status in Connect's table.
fn by_status(status: StatusCode) -> Code {
    match status.as_u16() {
        400 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        409 => Code::Aborted,
        429 => Code::ResourceExhausted,
        499 => Code::Cancelled,
        405 | 415 | 501 => Code::Unimplemented,
        502 | 503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        _ => Code::Unknown,
    }
}

//! Every refusal of every layer, written in the protocol of the caller: Connect JSON, a
//! Connect EndStream, gRPC trailers, a gRPC-Web frame, or plain HTTP.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{BufMut, BytesMut};
use call::error;
use call::metadata::ResponseMetadata;
use connectrpc_axum::prelude::ConnectError;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};

use super::protocol::Protocol;

/// What the edge says instead of calling a handler.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An error of the call, for any protocol.
    Error(ConnectError),
    /// The same, under an HTTP status of its own where the protocol shows one.
    ErrorAs(StatusCode, ConnectError),
    /// Not a call at all: a bare HTTP status, and which verbs or types would do.
    Plain(StatusCode, Option<(HeaderName, &'static str)>),
    /// HTTP/1 of a kind that is not taken here: a status, a line for eyes and the end of the connection, since what comes
    /// after such a request may be part of it.
    Words(StatusCode, &'static str),
}

impl From<ConnectError> for Refusal {
    fn from(error: ConnectError) -> Self {
        Self::Error(error)
    }
}

impl Refusal {
    /// The verb is not one of those that this path takes.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self::Plain(StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, allow)))
    }

    /// Writes the refusal for a caller who speaks `protocol`, and notes the outcome.
    pub(crate) fn write(self, protocol: Protocol, metadata: &ResponseMetadata) -> Response {
        let (status, error) = match self {
            Self::Plain(status, header) => {
                metadata.ended(match status {
                    StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                        tonic::Code::Unimplemented
                    }
                    _ => tonic::Code::InvalidArgument,
                });
                let mut response = status.into_response();
                if let Some((name, value)) = header {
                    response
                        .headers_mut()
                        .insert(name, HeaderValue::from_static(value));
                }
                return response;
            }
            Self::Words(status, words) => {
                metadata.ended(tonic::Code::Unimplemented);
                let close = [(CONNECTION, "close")];
                return (status, close, words).into_response();
            }
            Self::ErrorAs(status, error) => (Some(status), error),
            Self::Error(error) => (None, error),
        };
        metadata.ended(tonic::Status::from(error.clone()).code());
        match protocol {
            Protocol::Connect | Protocol::ConnectGet | Protocol::Http => unary(status, error),
            Protocol::ConnectStream { .. } if status.is_some() => unary(status, error),
            Protocol::ConnectStream { proto } => {
                let headers = error.clone();
                with_meta(error.into_streaming_response(proto), &headers)
            }
            Protocol::Grpc => {
                let headers = error.clone();
                with_meta(tonic::Status::from(error).into_http(), &headers)
            }
            Protocol::GrpcWeb { text } => grpc_web(error, text),
        }
    }
}

fn unary(status: Option<StatusCode>, error: ConnectError) -> Response {
    let unauthenticated = error.code() == connectrpc_axum::prelude::Code::Unauthenticated;
    let mut response = error.into_response();
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    if unauthenticated {
        let scheme = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(http::header::WWW_AUTHENTICATE, scheme);
    }
    response
}

/// Adds what the library did not write: on gRPC it leaves out what begins with `grpc-`.
fn with_meta(mut response: Response, error: &ConnectError) -> Response {
    for (name, value) in error::meta(error) {
        let entry = response.headers_mut().entry(name);
        entry.or_insert_with(|| value.clone());
    }
    response
}

/// A body of one trailers frame, as the gRPC-Web specification has it.
fn grpc_web(error: ConnectError, text: bool) -> Response {
    const TRAILERS: u8 = 0x80;
    let status = tonic::Status::from(error.clone()).into_http::<()>();
    let mut lines = Vec::new();
    for (name, value) in status.headers() {
        if name != CONTENT_TYPE {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.extend_from_slice(b":");
            lines.extend_from_slice(value.as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
    }
    let mut frame = BytesMut::with_capacity(5 + lines.len());
    frame.put_u8(TRAILERS);
    frame.put_u32(lines.len() as u32);
    frame.put_slice(&lines);
    let (body, kind) = match text {
        false => (Body::from(frame.freeze()), "application/grpc-web+proto"),
        true => (
            Body::from(BASE64_STANDARD.encode(&frame)),
            "application/grpc-web-text+proto",
        ),
    };
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    with_meta(response, &error)
}

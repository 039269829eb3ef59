//! What the libraries accept, or refuse with the wrong word, and the specifications do
//! not: verbs, codecs, compressions, timeouts that are none, streams over HTTP/1.1 that
//! need both directions at once.

use connectrpc_axum::prelude::{Code, ConnectError};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, Version};

use super::answer::Refusal;
use super::protocol::{Protocol, media_type};
use crate::accept;
use crate::contract::Method;

/// The compressions a server takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encodings {
    /// gzip, as services do: the others save little on a few kilobytes and multiply what
    /// a decompression bomb can be made of.
    #[default]
    Gzip,
    /// gzip, brotli, deflate and zstd (without brotli on gRPC).
    Every,
}

impl Encodings {
    fn has(self, name: &str) -> bool {
        match name {
            "identity" | "gzip" => true,
            "br" | "deflate" | "zstd" => self == Self::Every,
            _ => false,
        }
    }
}

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const CONNECT_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("connect-accept-encoding");
const GRPC_TYPES: &str = "application/grpc, application/grpc+proto, application/grpc-web+proto";

/// Refuses a call that is not one, before anything looks at its body.
///
/// # Errors
/// 405 with `allow`, 415 with `accept-post`, 505 for what HTTP/1.1 cannot carry, or
/// `unimplemented` for a compression that is not taken.
pub(super) fn check(
    method: &Method,
    protocol: Protocol,
    parts: &mut http::request::Parts,
    encodings: Encodings,
) -> Result<(), Refusal> {
    verb(method, protocol, &parts.method)?;
    codec(protocol, &parts.headers)?;
    if method.client_streaming && method.server_streaming && parts.version < Version::HTTP_2 {
        return Err(half_duplex(method));
    }
    if protocol == Protocol::Grpc && parts.version < Version::HTTP_2 {
        return Err(ConnectError::new(Code::Unimplemented, "gRPC needs HTTP/2").into());
    }
    if protocol == Protocol::Connect {
        compression(&parts.headers, encodings)?;
    }
    for name in [ACCEPT_ENCODING, CONNECT_ACCEPT_ENCODING] {
        narrow(&mut parts.headers, name, encodings);
    }
    Ok(())
}

fn verb(method: &Method, protocol: Protocol, verb: &http::Method) -> Result<(), Refusal> {
    match *verb {
        http::Method::POST if protocol != Protocol::ConnectGet => Ok(()),
        http::Method::GET if method.is_get() && protocol == Protocol::ConnectGet => Ok(()),
        _ if method.is_get() && !protocol.is_grpc() => {
            Err(Refusal::method_not_allowed("GET, POST"))
        }
        _ => Err(Refusal::method_not_allowed("POST")),
    }
}

fn codec(protocol: Protocol, headers: &HeaderMap) -> Result<(), Refusal> {
    if !protocol.is_grpc() {
        return Ok(());
    }
    let kind = media_type(headers);
    let kind = kind.strip_prefix(b"application/grpc").unwrap_or_default();
    let kind = kind
        .strip_prefix(b"-web-text")
        .or(kind.strip_prefix(b"-web"))
        .unwrap_or(kind);
    match kind {
        b"" | b"+proto" => Ok(()),
        _ => Err(Refusal::Plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Some((ACCEPT_POST, GRPC_TYPES)),
        )),
    }
}

fn compression(headers: &HeaderMap, encodings: Encodings) -> Result<(), Refusal> {
    let encoding = headers
        .get(CONTENT_ENCODING)
        .map_or(Ok("identity"), HeaderValue::to_str);
    match encoding {
        Ok(name) if name.is_empty() || encodings.has(name) => Ok(()),
        _ => {
            let known = if encodings == Encodings::Gzip {
                "gzip"
            } else {
                "gzip, br, deflate, zstd"
            };
            let message = format!("unknown compression: this server takes {known} and identity");
            Err(ConnectError::new(Code::Unimplemented, message).into())
        }
    }
}

/// Cuts what the client would accept down to what this server gives, since the library
/// has every encoding compiled in.
fn narrow(headers: &mut HeaderMap, name: HeaderName, encodings: Encodings) {
    if encodings == Encodings::Every || !headers.contains_key(&name) {
        return;
    }
    match accept::takes(headers, &name, "gzip") {
        true => headers.insert(name, HeaderValue::from_static("gzip")),
        false => headers.remove(name),
    };
}

fn half_duplex(method: &Method) -> Refusal {
    let message = format!(
        "{} streams both ways at once, which HTTP/1.1 cannot carry: use HTTP/2, a WebSocket, \
         or the unary and server-streaming rpcs of {}",
        method.name, method.service
    );
    let error = ConnectError::new(Code::Unimplemented, message);
    Refusal::ErrorAs(StatusCode::HTTP_VERSION_NOT_SUPPORTED, error)
}

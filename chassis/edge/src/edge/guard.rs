//! What the libraries accept, or refuse with the wrong word, and the specifications do
//! not: hosts, verbs, codecs, compressions, streams over HTTP/1.1 that need both directions at
//! once.

use std::borrow::Cow;

use bounds::PeerAddress;
use connectrpc_axum::prelude::{Code, ConnectError};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Version};

use super::answer::Refusal;
use super::named::Named;
use super::protocol::{
    CONNECT_ACCEPT_ENCODING, CONNECT_CONTENT_ENCODING, GRPC_ENCODING, Protocol, may_name_codings,
    media_type,
};
use super::query;

use crate::accept;
use contract::Method;

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
const UNARY_TYPES: &str = "application/json, application/proto, application/grpc, \
    application/grpc+proto, application/grpc-web+proto";
const STREAM_TYPES: &str = "application/connect+json, application/connect+proto, \
    application/grpc, application/grpc+proto, application/grpc-web+proto";

/// The longest path and query that is looked at.
const URL_BYTES_MAX: usize = 8 << 10;

/// As many as hyper takes on HTTP/1, where it counts them itself.
const HEADERS_MAX: usize = 100;

/// As long as all headers together may be, counted as HTTP/2 does: a peer takes 16 KiB, ours among them, and one that
/// were too long would cost all others their connection to him.
const HEADER_BYTES_MAX: usize = 14 << 10;
const HEADER_BYTES_EACH: usize = 32;

const NOT_CHUNKED: &str = "Of what a transfer-encoding may be, chunked is taken, once, and nothing else. A message that \
    is compressed says so in content-encoding\n";

/// Refuses a head that is none, whatever it asks for.
///
/// # Errors
/// 414, 431, and where HTTP/1 names no host or several 400, where it codes its body in more than chunks 501.
pub(super) fn head(parts: &Parts, named: Named) -> Result<(), Refusal> {
    let url = parts.uri.path_and_query();
    if url.is_some_and(|url| url.as_str().len() > URL_BYTES_MAX) {
        return Err(Refusal::Plain(StatusCode::URI_TOO_LONG, None));
    }
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + HEADER_BYTES_EACH
    };
    let url_bytes = url.map_or(0, |url| url.as_str().len());
    let bytes = url_bytes + parts.headers.iter().map(header).sum::<usize>();
    if parts.headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Refusal::Plain(status, None));
    }
    // A call from within the process names no host.
    let from_a_socket = parts.extensions.get::<PeerAddress>().is_some();
    if from_a_socket && parts.version < Version::HTTP_2 && !has_one_host(parts) {
        return Err(Refusal::Plain(StatusCode::BAD_REQUEST, None));
    }
    let coded = parts.version < Version::HTTP_2 && named.maybe(&TRANSFER_ENCODING);
    if coded && !is_chunked_at_most(&parts.headers) {
        return Err(Refusal::Words(StatusCode::NOT_IMPLEMENTED, NOT_CHUNKED));
    }
    Ok(())
}

/// Whether the body comes as it is or in chunks, and is coded in no other way, which nobody here would undo
/// (RFC 9112, 6.1).
fn is_chunked_at_most(headers: &HeaderMap) -> bool {
    let named = headers.get_all(TRANSFER_ENCODING).iter();
    let mut named = named.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let mut chunked = 0;
    named.all(|name| {
        let name = name.trim_ascii();
        chunked += usize::from(!name.is_empty());
        name.is_empty() || (chunked == 1 && name.eq_ignore_ascii_case(b"chunked"))
    })
}

/// Two servers that take different ones of several hosts can be set against each other.
fn has_one_host(parts: &Parts) -> bool {
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => parts.version < Version::HTTP_11,
        (Some(host), None) => host.is_empty() || Authority::try_from(host.as_bytes()).is_ok(),
        (Some(_), Some(_)) => false,
    }
}

/// Refuses whatever would do more to a page than read it.
///
/// # Errors
/// 405 with `allow`.
pub(super) fn read_only(verb: &http::Method) -> Result<(), Refusal> {
    match *verb {
        http::Method::GET | http::Method::HEAD => Ok(()),
        _ => Err(Refusal::method_not_allowed("GET, HEAD")),
    }
}

/// Refuses a call that is not one, before anything looks at its body.
///
/// # Errors
/// 405 with `allow`, 415 with `accept-post`, 505 for what HTTP/1.1 cannot carry,
/// `unimplemented` for a compression that is not taken, or `invalid_argument` for a query that
/// is no call.
pub(super) fn check(
    method: &Method,
    protocol: Protocol,
    named: Named,
    parts: &mut Parts,
    encodings: Encodings,
) -> Result<(), Refusal> {
    verb(method, protocol, &parts.method)?;
    let written = parts.headers.get(CONTENT_TYPE);
    let kind = written.map_or(&b""[..], media_type);
    codec(method, protocol, kind)?;
    if let Some(plain) = plain(kind, written) {
        parts.headers.insert(CONTENT_TYPE, plain);
    }
    if protocol == (Protocol::GrpcWeb { text: true }) {
        in_text(&mut parts.headers);
    }
    if method.client_streaming && method.server_streaming && parts.version < Version::HTTP_2 {
        return Err(half_duplex(method));
    }
    if protocol == Protocol::Grpc && parts.version < Version::HTTP_2 {
        return Err(ConnectError::new(Code::Unimplemented, "gRPC needs HTTP/2").into());
    }
    if !may_name_codings(named) && protocol != Protocol::ConnectGet {
        return Ok(());
    }
    let encoding = match protocol {
        Protocol::ConnectGet => query::check(parts.uri.query().unwrap_or_default())?,
        Protocol::Connect => only(&parts.headers, CONTENT_ENCODING),
        Protocol::ConnectStream { .. } => only(&parts.headers, CONNECT_CONTENT_ENCODING),
        Protocol::Grpc | Protocol::GrpcWeb { .. } => only(&parts.headers, GRPC_ENCODING),
        Protocol::Http => Cow::Borrowed(""),
    };
    compression(&encoding, protocol, encodings)?;
    for name in [CONTENT_ENCODING, CONNECT_CONTENT_ENCODING, GRPC_ENCODING] {
        unnamed(&mut parts.headers, name);
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

fn codec(method: &Method, protocol: Protocol, kind: &[u8]) -> Result<(), Refusal> {
    let fits = match protocol {
        Protocol::Connect => method.is_unary(),
        Protocol::ConnectStream { .. } => !method.is_unary(),
        Protocol::ConnectGet => true,
        Protocol::Grpc | Protocol::GrpcWeb { .. } => is_protobuf(kind),
        Protocol::Http => false,
    };
    match fits {
        true => Ok(()),
        false => Err(unsupported(method)),
    }
}

/// 415, with the types that would do.
fn unsupported(method: &Method) -> Refusal {
    let types = if method.is_unary() {
        UNARY_TYPES
    } else {
        STREAM_TYPES
    };
    Refusal::Plain(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Some((ACCEPT_POST, types)),
    )
}

/// Whether this type, one of gRPC's, is of Protobuf: it says so, or nothing.
fn is_protobuf(kind: &[u8]) -> bool {
    let mut codec = kind;
    for part in [&b"application/grpc"[..], b"-web", b"-text"] {
        if let Some((begin, rest)) = codec.split_at_checked(part.len())
            && begin.eq_ignore_ascii_case(part)
        {
            codec = rest;
        }
    }
    codec.is_empty() || codec.eq_ignore_ascii_case(b"+proto")
}

/// The value of a header of which two would leave it to each server which one counts.
///
/// # Errors
/// It is there twice.
pub(super) fn at_most_one<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    code: Code,
) -> Result<Option<&'a HeaderValue>, ConnectError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(ConnectError::new(code, format!("{name} is there twice"))),
    }
}

/// The value of a header that may be there once; several are one that nobody knows.
fn only(headers: &HeaderMap, name: HeaderName) -> Cow<'_, str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(value), None) => String::from_utf8_lossy(value.as_bytes()),
        (Some(_), Some(_)) => Cow::Borrowed("several"),
    }
}

fn compression(name: &str, protocol: Protocol, taken: Encodings) -> Result<(), ConnectError> {
    let grpc = protocol.is_grpc();
    if name.is_empty() || taken.has(name) && !(grpc && name == "br") {
        return Ok(());
    }
    let (known, header) = match (taken, grpc) {
        (Encodings::Gzip, _) => ("gzip", "gzip,identity"),
        (Encodings::Every, false) => ("gzip, br, deflate, zstd", ""),
        (Encodings::Every, true) => ("gzip, deflate, zstd", "gzip,deflate,zstd,identity"),
    };
    let message = format!("Unknown compression: this server takes {known} and identity");
    let error = ConnectError::new(Code::Unimplemented, message);
    Err(match grpc {
        true => error.with_meta("grpc-accept-encoding", header),
        false => error,
    })
}

/// Takes away a header that names no encoding: one library refuses it in an answer of no protocol.
fn unnamed(headers: &mut HeaderMap, name: HeaderName) {
    if headers.get(&name).is_some_and(HeaderValue::is_empty) {
        headers.remove(name);
    }
}

/// The content type as the libraries know it, who compare it letter by letter: small, and without parameters, of
/// which none says anything of a message. None, if it is written so.
fn plain(kind: &[u8], written: Option<&HeaderValue>) -> Option<HeaderValue> {
    let whole = written.map_or(0, HeaderValue::len);
    if kind.len() == whole && !kind.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    HeaderValue::from_bytes(&kind.to_ascii_lowercase()).ok()
}

/// Has an answer to text written in text: the library writes what `accept` names letter by letter, and bytes for
/// whoever names nothing. As the specification has it, and the proxies that came before, `accept` decides where it names
/// one of the two; else the answer is as the request.
fn in_text(headers: &mut HeaderMap) {
    const TEXT: &[u8] = b"application/grpc-web-text";
    let named = headers.get_all(ACCEPT).iter();
    let mut named = named.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let of_bytes = named.any(|kind| {
        let end = kind.iter().position(|byte| *byte == b';');
        let kind = kind[..end.unwrap_or(kind.len())].trim_ascii();
        let begins = |name: &[u8]| {
            let begin = kind.get(..name.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        };
        begins(&TEXT[..TEXT.len() - "-text".len()]) && !begins(TEXT)
    });
    if !of_bytes {
        let text = HeaderValue::from_static("application/grpc-web-text+proto");
        headers.insert(ACCEPT, text);
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

//! The commonest call, one message each way over Connect with nothing compressed, straight to its handler. On the
//! library's way the path would be looked for once more, and eight services, each with a future of its own, would
//! decompress, compress, bound and convert what needs none of it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use call::error::INTERNAL_MESSAGE;
use call::metadata::ResponseMetadata;
use connectrpc_axum::prelude::{Code, ConnectError};
use connectrpc_axum::tonic::RequestContext;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use proto::server::{Direct, Form, Unread};

use super::{Rejected, body, unreadable};

const CONNECT_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");

/// Whether neither side of a Connect call is or may be compressed.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    let compressed = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    !compressed && !headers.contains_key(ACCEPT_ENCODING)
}

/// Lets the handler answer a message that is whole, in at most `bytes_max`.
pub(crate) async fn answer(
    handler: &Direct,
    parts: Parts,
    message: Bytes,
    bytes_max: usize,
    metadata: &ResponseMetadata,
) -> Response {
    if let Err(error) = check_version(&parts.headers) {
        return refused(error, metadata);
    }
    let form = form(&parts.headers);
    let context = RequestContext {
        method: parts.method,
        uri: parts.uri,
        version: parts.version,
        headers: parts.headers,
        extensions: parts.extensions,
    };
    let answering = match handler(context, form, &message) {
        Ok(answering) => answering,
        Err(Unread(error)) => {
            let ours = unreadable::in_our_words(error.message().unwrap_or_default());
            return ours.map_or_else(|| refused(error, metadata), Rejected::response);
        }
    };
    let answer = match answering.await {
        Ok(answer) if answer.len() > bytes_max => {
            // Nobody who asked is to blame.
            return Rejected::response(ConnectError::new(Code::Internal, INTERNAL_MESSAGE));
        }
        Ok(answer) => answer,
        Err(error) => return refused(error, metadata),
    };
    metadata.ended(tonic::Code::Ok);
    let mut response = Response::new(Body::from(answer));
    let kind = match form {
        Form::Json => "application/json",
        Form::Proto => "application/proto",
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    body::write_unary(headers, metadata);
    response
}

/// An answer as any other, which the layers around treat as such: the library writes these itself on its own way, and
/// they must not be kept here and kept there.
fn refused(error: ConnectError, metadata: &ResponseMetadata) -> Response {
    metadata.ended(tonic::Status::from(error.clone()).code());
    let mut response = error.into_response();
    body::write_unary(response.headers_mut(), metadata);
    response
}

/// # Errors
/// A version of Connect's protocol that there is not, in the words in which the library says it on the other ways.
fn check_version(headers: &HeaderMap) -> Result<(), ConnectError> {
    let version = headers.get(CONNECT_PROTOCOL_VERSION);
    match version.and_then(|version| version.to_str().ok()) {
        None | Some("1") => Ok(()),
        Some(other) => Err(ConnectError::new(
            Code::InvalidArgument,
            format!("connect-protocol-version must be \"1\": got \"{other}\""),
        )),
    }
}

fn form(headers: &HeaderMap) -> Form {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    match kind.is_some_and(|kind| kind.starts_with(b"application/proto")) {
        true => Form::Proto,
        false => Form::Json,
    }
}

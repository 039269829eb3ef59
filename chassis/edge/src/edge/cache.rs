//! What a browser or a proxy may keep: answers to Connect's GET that are the same for
//! everyone, with an ETag. Everything else is `no-store`.

use axum::body::{Body, to_bytes};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use call::Caller;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::protocol::Protocol;
use contract::{Audience, Method};

const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=60");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// An answer of more than this goes out without an ETag, in bytes.
const TAGGED_MAX: usize = 4 << 20;

/// What decides whether an answer may be kept.
pub(super) enum Conditions {
    /// Everyone gets this answer; the tag that the caller has already.
    Everyone(Option<IfNoneMatch>),
    /// By GET, for this caller alone.
    OneCaller,
    /// Not by GET.
    Call,
}

impl Conditions {
    pub(super) fn of(
        protocol: Protocol,
        method: &Method,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Self {
        let public = method
            .access
            .as_ref()
            .is_some_and(|access| access.audience == Audience::Public);
        match (protocol, caller) {
            (Protocol::ConnectGet, Caller::Anonymous) if public => {
                Self::Everyone(headers.typed_get())
            }
            (Protocol::ConnectGet, _) => Self::OneCaller,
            _ => Self::Call,
        }
    }

    /// Writes what may be kept, and answers 304 to who has it already.
    pub(super) async fn apply(self, mut response: Response) -> Response {
        match self {
            Self::Call => {
                response
                    .headers_mut()
                    .entry(CACHE_CONTROL)
                    .or_insert(NO_STORE);
                response
            }
            Self::Everyone(known) if response.status() == StatusCode::OK => {
                response
                    .headers_mut()
                    .append(VARY, HeaderValue::from_static("authorization"));
                response
                    .headers_mut()
                    .entry(CACHE_CONTROL)
                    .or_insert(PUBLIC);
                tag(response, known).await
            }
            Self::Everyone(_) | Self::OneCaller => {
                response
                    .headers_mut()
                    .append(VARY, HeaderValue::from(AUTHORIZATION));
                response
                    .headers_mut()
                    .entry(CACHE_CONTROL)
                    .or_insert(PRIVATE);
                response
            }
        }
    }
}

async fn tag(response: Response, known: Option<IfNoneMatch>) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, TAGGED_MAX).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let tag = BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]);
    let tag: Option<ETag> = format!("\"{tag}\"").parse().ok();
    let same = known
        .zip(tag.as_ref())
        .is_some_and(|(known, tag)| !known.precondition_passes(tag));
    if let Some(tag) = tag {
        parts.headers.typed_insert(tag);
    }
    if same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

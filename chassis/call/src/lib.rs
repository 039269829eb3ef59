//! What a handler may know of a call beyond its message, and what it may answer beside one: who
//! calls, until when, under which ids, with which key; errors by kind, headers and trailers.
//!
//! A leaf: whoever carries a call on, or makes one, leans on this and not on the edge. The edge
//! builds a [`Call`] once; nothing else reads identity from headers.

mod caller;
pub mod error;
mod id;
pub mod metadata;
pub mod timeout;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use prost::Message;
use sha2::{Digest, Sha256};
use telemetry::TraceContext;
use tokio::time::Instant;

pub use caller::{Caller, Role, Roles, Scope, User};
pub use error::{Kind, Reason, to_wire};
pub use id::{CORRELATION_ID, CorrelationId, IdempotencyKey};
pub use metadata::ResponseMetadata;

// The library's request, response and error types, so that no service names the library.
pub use connectrpc_axum::prelude::{
    Code, ConnectError, ConnectRequest, ConnectResponse, StreamBody, Streaming,
};

/// One call, as the edge has let it in.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls, verified.
    pub caller: Caller,
    /// Whose objects this caller may reach through this rpc.
    pub scope: Scope,
    /// When the answer is no longer of use.
    pub deadline: Deadline,
    /// The id under which every log line of this call can be found.
    pub correlation_id: CorrelationId,
    /// The span that this call is in.
    pub trace: TraceContext,
    /// The caller's promise that a repeat of this call is the same call.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Headers and trailers of the answer, on every protocol.
    pub response: ResponseMetadata,
    /// Whether this is test traffic, marked by baggage `synthetic=true` of somebody who may.
    pub synthetic: bool,
    /// The path of the rpc, `/stoa.order.v1.OrderService/CreateOrder`.
    pub path: Arc<str>,
}

impl Call {
    /// The parts under which the answer to this call is remembered, when the caller sent
    /// an `idempotency-key`: subject, rpc, key and a hash of the request.
    pub fn idempotent<M: Message>(&self, request: &M) -> Option<IdempotentRequest> {
        let key = self.idempotency_key.as_ref()?;
        Some(IdempotentRequest {
            subject: self.caller.subject(),
            method: self.path.to_string(),
            key: key.as_str().to_owned(),
            hash: request_hash(request),
        })
    }
}

/// What tells one request from another under one key: SHA-256 of the message as this program
/// reads it, encoded anew. It is the same whichever way the request came, with fields in any
/// order, defaults written out or left out, and with fields that this program does not know,
/// which it drops. So a field that a later program adds changes the hash of no request without it.
///
/// Maps would be encoded in any order: a request with a key has none, and none of its fields
/// ever changes its number or type. A test pins the hashes.
pub fn request_hash<M: Message>(request: &M) -> [u8; 32] {
    Sha256::digest(request.encode_to_vec()).into()
}

/// Identifies one logical command of one caller; `hash` tells a repeat from a misuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Who sent it, as in [`Caller::subject`].
    pub subject: String,
    /// The path of the rpc.
    pub method: String,
    /// The key as the caller chose it, 1 to 255 characters.
    pub key: String,
    /// That of [`request_hash`].
    pub hash: [u8; 32],
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = ConnectError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ConnectError> {
        parts.extensions.get().cloned().ok_or_else(|| {
            ConnectError::new(Code::Internal, "the call did not come through the edge")
        })
    }
}

/// A point in time after which the answer is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// The deadline at that point in time.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// What is left of it, zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// As an instant of the runtime's clock.
    pub fn instant(self) -> Instant {
        self.0
    }
}

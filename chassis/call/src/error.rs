//! How a service's error becomes one of the wire: a small closed set of kinds, one
//! function that maps them, and details that programs can read.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use connectrpc_axum::prelude::{Code, ConnectError};
use http::{HeaderMap, HeaderValue, StatusCode};
use prost::Message;
use tonic_types::{ErrorDetails, StatusExt};
use tracing::{error, warn};

/// What kind of failure it is; each service maps its own errors to these by an
/// exhaustive match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong, whatever the state of the system.
    InvalidArgument,
    /// The request is fine, the state of its object is not.
    FailedPrecondition,
    /// A position that is no longer, or not yet, there.
    OutOfRange,
    /// No such object within the caller's reach.
    NotFound,
    /// An object with that identity is there already.
    AlreadyExists,
    /// The caller is known and may not.
    PermissionDenied,
    /// The caller is not known.
    Unauthenticated,
    /// Lost to a concurrent change too often; the whole command may be repeated.
    Aborted,
    /// A queue, limit or rate is full.
    ResourceExhausted,
    /// Something this depends on is away; the call may be repeated.
    Unavailable,
    /// The answer came too late.
    DeadlineExceeded,
    /// Our own fault. Its text stays in the log.
    Internal,
}

impl Kind {
    /// The code on the wire.
    pub const fn code(self) -> Code {
        match self {
            Self::InvalidArgument => Code::InvalidArgument,
            Self::FailedPrecondition => Code::FailedPrecondition,
            Self::OutOfRange => Code::OutOfRange,
            Self::NotFound => Code::NotFound,
            Self::AlreadyExists => Code::AlreadyExists,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Aborted => Code::Aborted,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::Unavailable => Code::Unavailable,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Internal => Code::Internal,
        }
    }

    /// What a peer's code is to the caller of ours, for whom the peer was asked: our own fault, unless the peer is
    /// merely away. What else a peer may mean for that caller, who did not ask it, a handler must name.
    pub const fn of_peer(code: tonic::Code) -> Self {
        use tonic::Code as Said;
        match code {
            Said::NotFound => Self::NotFound,
            Said::Aborted => Self::Aborted,
            Said::DeadlineExceeded => Self::DeadlineExceeded,
            // Full, or it ended what it was asked: whoever asks us is still here, so it was not them who went.
            Said::Unavailable | Said::ResourceExhausted | Said::Cancelled => Self::Unavailable,
            Said::Ok
            | Said::Unknown
            | Said::InvalidArgument
            | Said::AlreadyExists
            | Said::PermissionDenied
            | Said::FailedPrecondition
            | Said::OutOfRange
            | Said::Unimplemented
            | Said::Internal
            | Said::DataLoss
            | Said::Unauthenticated => Self::Internal,
        }
    }
}

/// When to come back to a peer that is full.
const FULL_PEER_FOR: Duration = Duration::from_secs(1);

/// What [`Kind::of_peer`] leaves to be told beside the code: of a peer that is full, when to come back.
pub fn with_retry_of_peer(error: ConnectError, code: tonic::Code) -> ConnectError {
    match code {
        tonic::Code::ResourceExhausted => with_retry_after(error, FULL_PEER_FOR),
        _ => error,
    }
}

/// What the caller of a failed call reads instead of its cause.
pub const INTERNAL_MESSAGE: &str = "Internal server error";

/// The error on the wire for `error`. An internal one is logged here, once, with its
/// chain of causes, and shows a fixed text; what is merely away is logged as a warning
/// and shows only its own layer's sentence.
pub fn to_wire(kind: Kind, error: &dyn Error) -> ConnectError {
    match kind {
        Kind::Internal => {
            error!(cause = %chain(error), "A call failed inside");
            ConnectError::new(Code::Internal, INTERNAL_MESSAGE)
        }
        Kind::Unavailable | Kind::Aborted => {
            warn!(cause = %chain(error), code = ?kind, "A call could not be carried out");
            ConnectError::new(kind.code(), error.to_string())
        }
        _ => ConnectError::new(kind.code(), error.to_string()),
    }
}

/// The machine-readable cause of a business error, a `google.rpc.ErrorInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `stoa.order` …
    pub domain: &'static str,
    /// `OUT_OF_STOCK` …
    pub reason: &'static str,
    /// What the reason is about, such as `order_id`.
    pub metadata: Vec<(&'static str, String)>,
}

impl Reason {
    /// A reason without metadata.
    pub fn new(domain: &'static str, reason: &'static str) -> Self {
        Self {
            domain,
            reason,
            metadata: Vec::new(),
        }
    }

    /// Adds what the reason is about.
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// Attaches the reason to an error.
    pub fn attach(self, error: ConnectError) -> ConnectError {
        let metadata: HashMap<String, String> = self
            .metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let details = ErrorDetails::with_error_info(self.reason, self.domain, metadata);
        attach(error, details)
    }
}

/// Tells the caller when to come back: `RetryInfo`, and `retry-after` in whole seconds,
/// at least 1.
pub fn with_retry_after(error: ConnectError, delay: Duration) -> ConnectError {
    let seconds = delay.as_millis().div_ceil(1000).max(1);
    let error = attach(error, ErrorDetails::with_retry_info(Some(delay)));
    error.with_meta("retry-after", seconds.to_string())
}

/// Adds standard details to an error, as the full type URL and bytes that every protocol
/// carries.
fn attach(error: ConnectError, details: ErrorDetails) -> ConnectError {
    let status = tonic::Status::with_error_details(tonic::Code::Unknown, "", details);
    let encoded = tonic_types::pb::Status::decode(status.details()).unwrap_or_default();
    encoded.details.into_iter().fold(error, |error, any| {
        error.add_detail(any.type_url, any.value)
    })
}

/// The `google.rpc.ErrorInfo` of an error that a peer answered: domain, reason, metadata.
pub fn reason_of(status: &tonic::Status) -> Option<(String, String, HashMap<String, String>)> {
    let info = status.get_details_error_info()?;
    Some((info.domain, info.reason, info.metadata))
}

/// The headers that an error asks for on the answer.
pub fn meta(error: &ConnectError) -> impl Iterator<Item = (&http::HeaderName, &HeaderValue)> {
    error.meta().into_iter().flat_map(HeaderMap::iter)
}

/// The code of an answer that is none of the protocols', such as a proxy's own, as Connect and gRPC say.
pub fn code_of_status(status: StatusCode) -> tonic::Code {
    match status.as_u16() {
        400 => tonic::Code::Internal,
        401 => tonic::Code::Unauthenticated,
        403 => tonic::Code::PermissionDenied,
        404 => tonic::Code::Unimplemented,
        429 | 502..=504 => tonic::Code::Unavailable,
        _ => tonic::Code::Unknown,
    }
}

/// The name of an outcome in logs and metric labels: Connect's, and `ok`.
pub fn code_name(code: tonic::Code) -> &'static str {
    match code {
        tonic::Code::Ok => "ok",
        code => connectrpc_axum::message::error::code_from_tonic(code).as_str(),
    }
}

/// The error and all its causes on one line, for the log.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("storage failed")]
    struct Outer(#[source] std::io::Error);

    /// row: C8, S-12
    #[test]
    fn an_internal_cause_stays_inside() {
        let error = Outer(std::io::Error::other("table secret_things is missing"));
        let wire = to_wire(Kind::Internal, &error);
        assert_eq!(
            (wire.code(), wire.message()),
            (Code::Internal, Some(INTERNAL_MESSAGE))
        );
        assert_eq!(
            chain(&error),
            "storage failed: table secret_things is missing"
        );
        let away = to_wire(Kind::Unavailable, &error);
        assert_eq!(away.message(), Some("storage failed"));
    }

    #[test]
    fn a_reason_reads_back_on_the_other_side() {
        let reason = Reason::new("stoa.order", "OUT_OF_STOCK").with("order_id", "7");
        let error = reason.attach(ConnectError::new(Code::FailedPrecondition, "Out of stock"));
        assert_eq!(error.details().len(), 1);
        let (domain, reason, metadata) = reason_of(&tonic::Status::from(error)).unwrap();
        assert_eq!(
            (domain.as_str(), reason.as_str()),
            ("stoa.order", "OUT_OF_STOCK")
        );
        assert_eq!(metadata["order_id"], "7");
    }

    #[test]
    fn retry_after_is_at_least_one_second() {
        let error = ConnectError::new(Code::ResourceExhausted, "full");
        let error = with_retry_after(error, Duration::from_millis(3));
        assert_eq!(meta(&error).next().unwrap().1, "1");
    }
}

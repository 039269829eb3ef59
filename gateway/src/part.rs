//! The parts of a page. One that is required fails the page; one that is optional is left out, and its peer is
//! named in the page's `degraded`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use call::error::with_retry_after;
use call::{Code, ConnectError};
use peers::fallback;
use tonic::Status;

/// When to come back to a peer that is full.
const FULL_FOR: Duration = Duration::from_secs(1);

/// What a peer answered.
pub(crate) type PeerResult<T> = Result<tonic::Response<T>, Status>;

/// Optional parts that are missing, by peer. Parts that are fetched side by side note it in one.
#[derive(Default)]
pub(crate) struct Degraded(Mutex<BTreeSet<String>>);

impl Degraded {
    /// The part, or nothing and its peer's name noted.
    pub(crate) fn optional<T>(&self, peer: &'static str, answer: PeerResult<T>) -> Option<T> {
        let answer = answer.map(|response| Some(response.into_inner()));
        let part = fallback(peer, answer, || None);
        if let Some(peer) = part.missing {
            let mut missing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            missing.insert(peer.to_owned());
        }
        part.value
    }

    /// The peers whose part is missing, each once, by name.
    pub(crate) fn into_inner(self) -> Vec<String> {
        let missing = self.0.into_inner();
        missing
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter()
            .collect()
    }
}

/// The part, or the error that the page's caller sees for its lack.
///
/// # Errors
/// What the peer said of the caller's own request, `unavailable` when it could not be
/// asked, `deadline_exceeded` when it was too slow, `internal` for everything that only the gateway could have done
/// wrong.
pub(crate) fn required<T>(answer: PeerResult<T>) -> Result<T, ConnectError> {
    answer.map(tonic::Response::into_inner).map_err(translate)
}

/// The part, or nothing where the peer knows no such object.
///
/// # Errors
/// As [`required`], but for `not_found`.
pub(crate) fn known<T>(answer: PeerResult<T>) -> Result<Option<T>, ConnectError> {
    match answer {
        Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
        answer => required(answer).map(Some),
    }
}

fn translate(status: Status) -> ConnectError {
    match status.code() {
        tonic::Code::NotFound
        | tonic::Code::InvalidArgument
        | tonic::Code::OutOfRange
        | tonic::Code::FailedPrecondition
        | tonic::Code::Aborted => ConnectError::from(status),
        // Whoever asks is still here, so it was not them who went.
        tonic::Code::Unavailable | tonic::Code::Cancelled => unavailable(),
        tonic::Code::ResourceExhausted => with_retry_after(unavailable(), FULL_FOR),
        tonic::Code::DeadlineExceeded => ConnectError::new(
            Code::DeadlineExceeded,
            "Required service did not answer in time",
        ),
        _ => call::to_wire(call::Kind::Internal, &status),
    }
}

fn unavailable() -> ConnectError {
    ConnectError::new(Code::Unavailable, "Required service unavailable")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: C7
    #[test]
    fn a_peer_that_cannot_answer_is_told_as_what_it_is() {
        for (said, told, retry) in [
            (tonic::Code::Unavailable, Code::Unavailable, None),
            (tonic::Code::Cancelled, Code::Unavailable, None),
            (tonic::Code::ResourceExhausted, Code::Unavailable, Some("1")),
            (tonic::Code::DeadlineExceeded, Code::DeadlineExceeded, None),
            (tonic::Code::Aborted, Code::Aborted, None),
        ] {
            let error = translate(Status::new(said, "secret"));
            assert_eq!(error.code(), told, "{said:?}");
            let after = error.meta().and_then(|meta| meta.get("retry-after"));
            assert_eq!(
                after.map(|value| value.to_str().unwrap()),
                retry,
                "{said:?}"
            );
        }
    }

    #[test]
    fn what_is_our_own_mistake_is_not_shown() {
        let shown = |code| {
            translate(Status::new(code, "secret"))
                .message()
                .map(str::to_owned)
        };
        assert_eq!(
            shown(tonic::Code::NotFound).as_deref(),
            Some("secret"),
            "said to the caller"
        );
        for code in [
            tonic::Code::PermissionDenied,
            tonic::Code::Unauthenticated,
            tonic::Code::Internal,
        ] {
            assert_eq!(
                translate(Status::new(code, "secret")).code(),
                Code::Internal
            );
            assert_ne!(shown(code).as_deref(), Some("secret"));
        }
        assert_eq!(
            shown(tonic::Code::Unavailable).as_deref(),
            Some("Required service unavailable")
        );
    }

    #[test]
    fn a_missing_part_is_named_once() {
        let degraded = Degraded::default();
        for _ in 0..2 {
            assert_eq!(
                degraded.optional::<()>("user", Err(Status::unavailable("x"))),
                None
            );
        }
        assert_eq!(degraded.into_inner(), ["user"]);
    }
}

//! The parts of a page. One that is required fails the page; one that is optional is left out, and its peer is
//! named in the page's `degraded`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use call::error::with_retry_of_peer;
use call::{ConnectError, Kind};
use peers::fallback;
use tonic::Status;

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

/// The part, or the error that the page's caller sees for its lack. Of the codes that are named, what the peer says is
/// meant for that caller: of a cursor, say, that came in the page's own request.
///
/// # Errors
/// What the peer said, where it is named; else `unavailable` when it could not be asked, `deadline_exceeded` when it
/// was too slow, `not_found`, `aborted`, and `internal` for everything that only the gateway could have done wrong.
pub(crate) fn required<T>(answer: PeerResult<T>, named: &[tonic::Code]) -> Result<T, ConnectError> {
    let part = answer.map(tonic::Response::into_inner);
    part.map_err(|status| match named.contains(&status.code()) {
        true => ConnectError::from(status),
        false => translate(&status),
    })
}

/// The part, or nothing where the peer knows no such object.
///
/// # Errors
/// As [`required`], but for `not_found`.
pub(crate) fn known<T>(answer: PeerResult<T>) -> Result<Option<T>, ConnectError> {
    match answer {
        Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
        answer => required(answer, &[]).map(Some),
    }
}

fn translate(status: &Status) -> ConnectError {
    let said = match Kind::of_peer(status.code()) {
        Kind::Unavailable => "Required service unavailable",
        Kind::DeadlineExceeded => "Required service did not answer in time",
        Kind::NotFound => "A part of this page is not there",
        Kind::Aborted => "A part of this page changed too often, try again",
        kind => return call::to_wire(kind, status),
    };
    let error = ConnectError::new(Kind::of_peer(status.code()).code(), said);
    with_retry_of_peer(error, status.code())
}

#[cfg(test)]
mod tests {
    use call::Code;

    use super::*;

    fn refused(said: tonic::Code, named: &[tonic::Code]) -> ConnectError {
        let answer: PeerResult<()> = Err(Status::new(said, "its own words"));
        required(answer, named).expect_err("it is refused")
    }

    /// row: C7
    #[test]
    fn a_peer_s_words_are_shown_where_a_page_names_their_code_and_nowhere_else() {
        use tonic::Code as Said;
        let table = [
            (Said::Cancelled, Code::Unavailable),
            (Said::Unknown, Code::Internal),
            (Said::InvalidArgument, Code::Internal),
            (Said::DeadlineExceeded, Code::DeadlineExceeded),
            (Said::NotFound, Code::NotFound),
            (Said::AlreadyExists, Code::Internal),
            (Said::PermissionDenied, Code::Internal),
            (Said::ResourceExhausted, Code::Unavailable),
            (Said::FailedPrecondition, Code::Internal),
            (Said::Aborted, Code::Aborted),
            (Said::OutOfRange, Code::Internal),
            (Said::Unimplemented, Code::Internal),
            (Said::Internal, Code::Internal),
            (Said::Unavailable, Code::Unavailable),
            (Said::DataLoss, Code::Internal),
            (Said::Unauthenticated, Code::Internal),
        ];
        for (said, shown) in table {
            let error = refused(said, &[]);
            assert_eq!(error.code(), shown, "{said:?}");
            assert_ne!(error.message(), Some("its own words"), "{said:?}");
            let after = error.meta().and_then(|meta| meta.get("retry-after"));
            let full = said == tonic::Code::ResourceExhausted;
            assert_eq!(after.is_some(), full, "{said:?}");
            let error = refused(said, &[said]);
            assert_eq!(error.message(), Some("its own words"), "{said:?}");
        }
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

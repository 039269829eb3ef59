//! What is shown in place of an answer that a caller can do without. It stands outermost, where the call is made:
//! within, a breaker and a retry would take it for an answer and see no failure.

use std::error::Error;

use metrics::counter;

/// An answer, or what stands in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback<T> {
    /// Either of them.
    pub value: T,
    /// The peer that did not answer, if this stands in for its answer.
    pub missing: Option<&'static str>,
}

/// What `peer` said in the end, after all its tries, or else what `instead` makes. Not for what a caller cannot do
/// without: an error is the better answer there.
pub fn fallback<T, E: Error + 'static>(
    peer: &'static str,
    answer: Result<T, E>,
    instead: impl FnOnce() -> T,
) -> Fallback<T> {
    match answer {
        Ok(value) => Fallback {
            value,
            missing: None,
        },
        Err(error) => {
            let cause = call::error::chain(&error);
            tracing::warn!(peer, %cause, "An answer goes without {peer}");
            counter!("rpc_client_fallbacks_total", "target" => peer).increment(1);
            Fallback {
                value: instead(),
                missing: Some(peer),
            }
        }
    }
}

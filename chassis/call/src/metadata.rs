//! The handle by which a handler adds headers and trailers to its answer, on every
//! protocol. The library's response types hold none; `inner` writes them on the way out.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connectrpc_axum::prelude::Code;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers and trailers of one answer; clones share them.
#[derive(Clone, Default)]
pub struct ResponseMetadata(Arc<Shared>);

#[derive(Default)]
struct Shared {
    maps: Mutex<Maps>,
    /// The call's outcome plus one, as soon as whoever writes the answer knows it.
    outcome: AtomicU8,
    /// The bytes of an answer whose body does not tell, plus one.
    bytes: AtomicU64,
}

/// The headers and trailers of an answer, for whoever writes it.
#[derive(Default)]
pub struct Maps {
    /// Before the first message.
    pub headers: HeaderMap,
    /// After the last one.
    pub trailers: HeaderMap,
}

impl ResponseMetadata {
    /// Adds a leading header, beside others of its name. No effect once the answer has
    /// begun, or for a name that a protocol keeps for itself.
    pub fn header(&self, name: HeaderName, value: HeaderValue) {
        if allowed(&name) {
            self.maps().headers.append(name, value);
        }
    }

    /// Adds a trailer, beside others of its name. On a stream this works until its last
    /// message; no effect for a name that a protocol keeps for itself.
    pub fn trailer(&self, name: HeaderName, value: HeaderValue) {
        if allowed(&name) {
            self.maps().trailers.append(name, value);
        }
    }

    /// What was added so far.
    pub fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how the call ended, for the log and the metrics.
    pub fn ended(&self, code: tonic::Code) {
        self.0.outcome.store(code as u8 + 1, Ordering::Relaxed);
    }

    /// Notes the length of an answer that is complete though its body has no exact size.
    pub fn measured(&self, bytes: u64) {
        self.0.bytes.store(bytes + 1, Ordering::Relaxed);
    }

    /// What [`Self::measured`] noted.
    pub fn bytes(&self) -> Option<u64> {
        self.0.bytes.load(Ordering::Relaxed).checked_sub(1)
    }

    /// How the call ended, if whoever wrote the answer knew it.
    pub fn outcome(&self) -> Option<tonic::Code> {
        let outcome = self.0.outcome.load(Ordering::Relaxed).checked_sub(1)?;
        Some(tonic::Code::from_i32(outcome.into()))
    }
}

impl fmt::Debug for ResponseMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseMetadata") // values may be secrets, such as cookies
    }
}

/// Whether a name is free for applications: the Connect and gRPC specifications keep
/// these prefixes, and HTTP's own framing is nobody's business up here.
fn allowed(name: &HeaderName) -> bool {
    let kept = ["connect-", "grpc-", "trailer-", ":"];
    let framing = [
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
    ];
    let name = name.as_str();
    let free = !kept.iter().any(|prefix| name.starts_with(prefix)) && !framing.contains(&name);
    if !free {
        tracing::error!(
            header = name,
            "A handler set a header that a protocol keeps"
        );
    }
    free
}

/// The number of an outcome by its name in Connect's JSON.
pub fn code_from_name(name: &str) -> Option<tonic::Code> {
    let code: Code = name.parse().ok()?;
    Some(connectrpc_axum::message::error::code_to_tonic(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_protocols_are_refused_and_others_are_kept_beside_each_other() {
        let metadata = ResponseMetadata::default();
        for name in ["grpc-status", "connect-x", "trailer-x", "content-length"] {
            metadata.header(HeaderName::from_static(name), HeaderValue::from_static("1"));
            metadata.trailer(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        for value in ["1", "2"] {
            let name = HeaderName::from_static("set-cookie");
            metadata.header(name, HeaderValue::from_static(value));
        }
        let maps = metadata.maps();
        assert_eq!((maps.headers.len(), maps.trailers.len()), (2, 0));
    }

    #[test]
    fn the_outcome_is_unknown_until_it_is_noted() {
        let metadata = ResponseMetadata::default();
        assert_eq!(metadata.outcome(), None);
        metadata.ended(tonic::Code::Ok);
        assert_eq!(metadata.outcome(), Some(tonic::Code::Ok));
        assert_eq!(
            code_from_name("resource_exhausted"),
            Some(tonic::Code::ResourceExhausted)
        );
    }
}

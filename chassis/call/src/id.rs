//! What names a call: for everyone who sees it, and for who repeats it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use telemetry::redact;
use uuid::Uuid;

/// The header of a [`CorrelationId`].
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Names one request from the browser through every service to the log: at most 128 of
/// `[A-Za-z0-9._-]`, the caller's own or minted at the edge.
#[derive(Clone, PartialEq, Eq)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// Takes the id if it is well formed and does not look like a secret: it is in every line of the log.
    pub fn parse(id: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let well_formed = (1..=128).contains(&id.len()) && id.bytes().all(legal);
        let harmless = well_formed && matches!(redact::text(id), Cow::Borrowed(_));
        harmless.then(|| Self(id.into()))
    }

    /// Makes an id from a UUID that the clock gave.
    pub fn from_uuid(id: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        Self((&*id.simple().encode_lower(&mut buffer)).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes the header. HTTP/2 is told not to index the value: no other message has it, and
    /// looking for its like in a full table costs more than sending it.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        if let Ok(mut value) = HeaderValue::from_str(&self.0) {
            value.set_sensitive(true);
            headers.insert(CORRELATION_ID, value);
        }
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of `idempotency-key`: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// Takes the key if it is well formed.
    pub fn parse(key: &str) -> Option<Self> {
        let legal = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        ((1..=255).contains(&key.len()) && legal).then(|| Self(key.into()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: O2
    #[test]
    fn a_correlation_id_is_short_and_plain() {
        assert!(CorrelationId::parse("a.B_c-1").is_some());
        assert!(CorrelationId::parse(&"x".repeat(128)).is_some());
        for bad in ["", "a b", "a\n", "é", &"x".repeat(129)] {
            assert_eq!(CorrelationId::parse(bad), None, "{bad:?}");
        }
    }

    /// row: S-16
    #[test]
    fn an_idempotency_key_has_1_to_255_characters() {
        assert!(IdempotencyKey::parse(&"k".repeat(255)).is_some());
        for bad in ["", "\u{7f}", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(bad), None, "{bad:?}");
        }
    }
}

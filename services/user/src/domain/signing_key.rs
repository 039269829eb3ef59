//! When a signing key is made, when it signs and when it is forgotten.
//!
//! A key is published before it signs, so that no verifier meets a token whose key it has not
//! seen, and stays published until the last token it signed is over.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretSlice;

/// A pair of Ed25519 keys under a random name.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// The name that tokens carry in their header.
    pub kid: String,
    /// The private key as PKCS #8.
    pub private_key: SecretSlice<u8>,
    /// The public key's 32 bytes.
    pub public_key: [u8; 32],
    /// When it was made, and published.
    pub created_at: DateTime<Utc>,
    /// From when on it signs, until the next one does.
    pub signs_from: DateTime<Utc>,
}

/// The times by which keys come and go.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// How long a key signs.
    pub rotation: TimeDelta,
    /// How long before its first signature a key is published.
    pub publish_ahead: TimeDelta,
    /// How long a key is published after its last signature: a token's life, the time for which
    /// a key set is cached, and the leeway of verifiers.
    pub keep: TimeDelta,
}

/// What is to be done now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Make a key that signs from then on.
    pub create: Option<DateTime<Utc>>,
    /// Forget the keys of these names.
    pub retire: Vec<String>,
}

/// Says what is to be done, given the keys in the order in which they sign.
pub fn due(keys: &[SigningKey], now: DateTime<Utc>, schedule: &Schedule) -> Due {
    let Some(newest) = keys.last() else {
        return Due {
            create: Some(now),
            retire: Vec::new(),
        }; // the first one has nobody to warn
    };
    let turn = newest.signs_from + schedule.rotation;
    let create =
        (now >= turn - schedule.publish_ahead).then(|| turn.max(now + schedule.publish_ahead));
    let retire = keys
        .iter()
        .zip(keys.iter().skip(1))
        .filter(|(_, successor)| now >= successor.signs_from + schedule.keep)
        .map(|(key, _)| key.kid.clone())
        .collect();
    Due { create, retire }
}

/// The place of the key that signs now, given when each begins to: the last whose time has come,
/// or the first if the clock was set back before them all.
pub fn current(
    mut signs_from: impl ExactSizeIterator<Item = DateTime<Utc>> + DoubleEndedIterator,
    now: DateTime<Utc>,
) -> Option<usize> {
    let is_empty = signs_from.len() == 0;
    (!is_empty).then(|| signs_from.rposition(|from| from <= now).unwrap_or(0))
}

#[cfg(test)]
mod tests;

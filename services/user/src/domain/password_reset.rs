//! A forgotten password, and the token by which its owner sets a new one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::id::UserId;

const SECRET_LEN: usize = 32;
/// For how long a token is good.
pub const LIFE: TimeDelta = TimeDelta::minutes(30);
/// How long a token stays the newest at least: who asks in another's name, however often, neither
/// fills their mailbox nor leaves them without a token that is good long enough to be used.
const REPEATED_AFTER: TimeDelta = TimeDelta::minutes(15);

/// That somebody who can read an account's mail may set its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordReset {
    /// Whose password it is.
    pub user_id: UserId,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When the token is no longer good.
    pub expires_at: DateTime<Utc>,
}

impl PasswordReset {
    /// Makes one, and its token.
    pub fn start(
        user_id: UserId,
        secret: [u8; SECRET_LEN],
        now: DateTime<Utc>,
    ) -> (Self, ResetToken) {
        let token = ResetToken(secret);
        let reset = Self {
            user_id,
            token_hash: token.hash(),
            created_at: now,
            expires_at: now + LIFE,
        };
        (reset, token)
    }

    /// Whether its token is good. A time before it was made is that of a clock that was set back.
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        now < self.expires_at && self.created_at <= now + LIFE
    }

    /// Whether it is too young to be replaced.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        (now - self.created_at).abs() < REPEATED_AFTER
    }
}

/// What the letter brings. It is kept nowhere but there.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetToken([u8; SECRET_LEN]);

impl ResetToken {
    /// Reads a token; none if it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut secret = [0; SECRET_LEN];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut secret) {
            Ok(SECRET_LEN) => Some(Self(secret)),
            Ok(_) | Err(_) => None,
        }
    }

    /// Writes the token for the letter.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// By which it is found: a secret that nobody can guess needs no slow hash.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// A token never reaches a log by way of `{:?}`.
impl fmt::Debug for ResetToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// row: X23
    #[test]
    fn a_token_is_good_for_half_an_hour_and_known_by_its_hash_alone() {
        let (reset, token) = PasswordReset::start(UserId(Uuid::nil()), [7; 32], at(0));
        for (seconds, good) in [(0, true), (1799, true), (1800, false), (-1801, false)] {
            assert_eq!(reset.is_good(at(seconds)), good, "{seconds}");
        }
        for (seconds, fresh) in [(0, true), (899, true), (900, false), (-899, true)] {
            assert_eq!(reset.is_fresh(at(seconds)), fresh, "{seconds}");
        }
        let read = ResetToken::parse(&token.reveal()).unwrap();
        assert_eq!((read.hash(), &read), (reset.token_hash, &token));
        assert_ne!(reset.token_hash, [7; 32]);
        for bad in ["", "x", &"A".repeat(42), &"A".repeat(44), "…"] {
            assert_eq!(ResetToken::parse(bad), None, "{bad}");
        }
        assert!(!format!("{token:?}").contains('7'));
    }
}

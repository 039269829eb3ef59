//! A session and its refresh token, which is another after each use.
//!
//! A token names its session and holds two secrets: the *family* secret is the same for the
//! whole life of the session and proves that a token, however old, was once handed out; the
//! *turn* secret is replaced at every use. Only hashes are kept. Thus one row per session is
//! enough to tell a stolen token that comes too late from one that somebody made up, and a
//! copy of the database signs nobody in.
//!
//! The next turn secret is `HMAC(key = this one, nonce)` with the nonce kept in the row. That is
//! how the same successor can be given twice without being stored: whoever has the row only, or
//! the old token only, cannot tell it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::device::DeviceName;
use super::id::{SessionId, UserId};

const SESSION_LEN: usize = 16;
const FAMILY_LEN: usize = 16;
const TURN_LEN: usize = 32;
const TOKEN_LEN: usize = SESSION_LEN + FAMILY_LEN + TURN_LEN;

/// How far the clocks of two replicas may be apart: one of them notes a turn, and another may be
/// asked for it again.
const CLOCKS_APART_MAX: TimeDelta = TimeDelta::seconds(10);

/// Everything that grows from one sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session's name, which its tokens carry.
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// SHA-256 of the family secret.
    pub family_hash: [u8; 32],
    /// SHA-256 of the turn secret that is good now.
    pub turn_hash: [u8; 32],
    /// The last turn, if there was one.
    pub last: Option<Turn>,
    /// When the person signed in.
    pub created_at: DateTime<Utc>,
    /// When the session ends, used or not.
    pub expires_at: DateTime<Utc>,
    /// What the device called itself that the person signed in on.
    pub device: DeviceName,
}

/// One exchange of a token for its successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// SHA-256 of the turn secret that was given up.
    pub hash: [u8; 32],
    /// What the successor's secret was made with.
    pub nonce: [u8; 32],
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// What becomes of a token that somebody presents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum RefreshOutcome {
    /// It was good: the session has moved on and must be stored.
    Rotated(RefreshToken),
    /// It was given up a moment ago, by another tab or in a call whose answer was lost: here is
    /// the same successor again. Nothing has changed.
    Again(RefreshToken),
    /// It was given up earlier: two parties hold this family's tokens, and the session must end.
    Reused,
    /// The session's time is over.
    Expired,
    /// It was never handed out; it changes nothing.
    Forged,
}

impl Session {
    /// Starts a session and gives its first token.
    pub fn start(
        id: SessionId,
        user_id: UserId,
        secrets: ([u8; FAMILY_LEN], [u8; TURN_LEN]),
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> (Self, RefreshToken) {
        let token = RefreshToken {
            session: id,
            family: secrets.0,
            turn: secrets.1,
        };
        let session = Self {
            id,
            user_id,
            family_hash: Sha256::digest(token.family).into(),
            turn_hash: Sha256::digest(token.turn).into(),
            last: None,
            created_at: now,
            expires_at: now + lifetime,
            device: DeviceName::default(),
        };
        (session, token)
    }

    /// Judges a token that names this session, and moves on if it is good. The last token that was
    /// given up is good for `grace` by any clock.
    pub fn present(
        &mut self,
        token: &RefreshToken,
        nonce: [u8; 32],
        now: DateTime<Utc>,
        grace: TimeDelta,
    ) -> RefreshOutcome {
        if !self.handed_out(token) {
            return RefreshOutcome::Forged;
        }
        if now >= self.expires_at {
            return RefreshOutcome::Expired;
        }
        let hash: [u8; 32] = Sha256::digest(token.turn).into();
        if bool::from(hash.ct_eq(&self.turn_hash)) {
            let successor = token.successor(&nonce);
            self.turn_hash = Sha256::digest(successor.turn).into();
            self.last = Some(Turn {
                hash,
                nonce,
                at: now,
            });
            return RefreshOutcome::Rotated(successor);
        }
        match &self.last {
            Some(turn)
                if bool::from(hash.ct_eq(&turn.hash))
                    && (now - turn.at).abs() <= grace + CLOCKS_APART_MAX =>
            {
                RefreshOutcome::Again(token.successor(&turn.nonce))
            }
            Some(_) | None => RefreshOutcome::Reused,
        }
    }

    /// When it was last refreshed, or else began.
    pub fn last_used_at(&self) -> DateTime<Utc> {
        self.last.as_ref().map_or(self.created_at, |turn| turn.at)
    }

    /// Whether the token was handed out for this session at some time, good now or not.
    pub fn handed_out(&self, token: &RefreshToken) -> bool {
        let family: [u8; 32] = Sha256::digest(token.family).into();
        self.id == token.session && bool::from(family.ct_eq(&self.family_hash))
    }
}

/// A refresh token, opaque to whoever holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    session: SessionId,
    family: [u8; FAMILY_LEN],
    turn: [u8; TURN_LEN],
}

impl RefreshToken {
    /// Reads a token; none if it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; TOKEN_LEN];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(TOKEN_LEN) => {}
            Ok(_) | Err(_) => return None,
        }
        let (session, rest) = bytes.split_first_chunk::<SESSION_LEN>()?;
        let (family, rest) = rest.split_first_chunk::<FAMILY_LEN>()?;
        let turn = rest.first_chunk::<TURN_LEN>()?;
        let session = SessionId(Uuid::from_bytes(*session));
        Some(Self {
            session,
            family: *family,
            turn: *turn,
        })
    }

    /// Writes the token for the person who may hold it.
    pub fn reveal(&self) -> String {
        let parts = [&self.session.0.as_bytes()[..], &self.family, &self.turn];
        URL_SAFE_NO_PAD.encode(parts.concat())
    }

    /// The session that the token claims to belong to.
    pub fn session(&self) -> SessionId {
        self.session
    }

    fn successor(&self, nonce: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.turn);
        let mut turn = [0; TURN_LEN];
        turn.copy_from_slice(hmac::sign(&key, nonce).as_ref());
        Self {
            turn,
            ..self.clone()
        }
    }
}

/// A token's secrets never reach a log by way of `{:?}`.
impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RefreshToken({}, …)", self.session)
    }
}

#[cfg(test)]
mod tests;

//! A place in an outbox, as a client keeps it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long a cursor can be resumed from; the rows after it are kept at least as long.
pub(crate) const KEPT: TimeDelta = TimeDelta::days(7);

/// Bytes of a cursor.
const WHOLE: usize = 40;
/// Bytes of one from before there were epochs: a cursor of ours, and of no epoch that there is.
const WITHOUT_EPOCH: usize = 24;

/// A place in an outbox: everything up to it was seen. To a client it is an opaque string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which history of the outbox the place is one of.
    pub(crate) epoch: Uuid,
    /// Orders before the position on PostgreSQL; always 0 on SQLite.
    pub(crate) transaction_id: i64,
    pub(crate) position: i64,
    /// When this place was the end; says nothing about the order.
    pub(crate) at: DateTime<Utc>,
}

/// The text is not a cursor of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one of this stream")]
pub struct ParseError;

impl Cursor {
    /// Tells whether rows after this place may be gone.
    pub(crate) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.at <= now - KEPT
    }

    /// Returns the later of two places, or the younger of two that are the same.
    pub fn later(self, other: Self) -> Self {
        let order = |cursor: &Self| (cursor.place(), cursor.at);
        if order(&other) > order(&self) {
            other
        } else {
            self
        }
    }

    /// A place of the same history in a copy of an outbox that numbers its facts from 1 without a gap, as the stream of a
    /// broker does; it was the end at `at`.
    #[must_use]
    pub fn numbered(self, number: u64, at: DateTime<Utc>) -> Self {
        Self {
            epoch: self.epoch,
            transaction_id: 0,
            position: i64::try_from(number).unwrap_or(i64::MAX),
            at,
        }
    }

    /// The number of a place in such a copy; 0 before all of it.
    pub fn number(&self) -> u64 {
        u64::try_from(self.position).unwrap_or_default()
    }

    /// When this place was the end.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Whether both are the same place, whenever they were the end.
    pub fn is_at(&self, other: Self) -> bool {
        (self.epoch, self.place()) == (other.epoch, other.place())
    }

    pub(crate) fn place(&self) -> (i64, i64) {
        (self.transaction_id, self.position)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; WHOLE];
        bytes[..8].copy_from_slice(&self.transaction_id.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.position.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.at.timestamp_micros().to_be_bytes());
        bytes[24..].copy_from_slice(self.epoch.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut bytes = [0; WHOLE];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(WHOLE | WITHOUT_EPOCH) => {}
            _ => return Err(ParseError),
        }
        let number = |from: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[from..from + 8]);
            i64::from_be_bytes(word)
        };
        let at = DateTime::from_timestamp_micros(number(16)).ok_or(ParseError)?;
        let (transaction_id, position) = (number(0), number(8));
        let mut epoch = [0; 16];
        epoch.copy_from_slice(&bytes[24..]);
        if transaction_id < 0 || position < 0 {
            return Err(ParseError);
        }
        Ok(Self {
            epoch: Uuid::from_bytes(epoch),
            transaction_id,
            position,
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        let at = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        Cursor {
            epoch: Uuid::from_u128(u128::MAX),
            transaction_id: 42,
            position: i64::MAX,
            at,
        }
    }

    #[test]
    fn a_cursor_reads_back() {
        assert_eq!(cursor().to_string().parse(), Ok(cursor()));
    }

    #[test]
    fn a_cursor_from_before_epochs_reads_as_one_of_none() {
        let whole = URL_SAFE_NO_PAD.decode(cursor().to_string()).unwrap();
        let text = URL_SAFE_NO_PAD.encode(&whole[..WITHOUT_EPOCH]);
        let epoch = Uuid::nil();
        assert_eq!(text.parse(), Ok(Cursor { epoch, ..cursor() }));
    }

    #[test]
    fn other_text_is_no_cursor() {
        let text = cursor().to_string();
        let negative = Cursor {
            position: -1,
            ..cursor()
        }
        .to_string();
        for wrong in [
            "",
            "x",
            "0",
            &text[1..],
            &format!("{text}A"),
            &text.replace('A', "="),
            &negative,
        ] {
            assert_eq!(wrong.parse::<Cursor>(), Err(ParseError), "{wrong}");
        }
    }

    #[test]
    fn a_cursor_expires_after_seven_days() {
        let at = cursor().at;
        assert!(!cursor().is_expired(at + TimeDelta::days(7) - TimeDelta::microseconds(1)));
        assert!(cursor().is_expired(at + TimeDelta::days(7)));
    }
}

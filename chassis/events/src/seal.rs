//! Cursors as clients keep them: signed, and good for the one stream that gave them. Of another
//! stream, or made up, a place would show nothing that its watcher may not see, but would leave
//! out what he waits for.

use std::fmt::Display;

use sql::page::Signer;

use crate::cursor::{Cursor, ParseError};
use crate::mailbox::WatchError;

/// The cursors of one stream.
#[derive(Clone, Debug)]
pub struct Seal {
    signer: Signer,
    stream: &'static str,
    of: String,
}

impl Seal {
    /// The cursors of what `stream` tells of `of`. Replicas share the signer's key.
    pub fn new(signer: Signer, stream: &'static str, of: impl Display) -> Self {
        let of = of.to_string();
        Self { signer, stream, of }
    }

    /// The cursor of a place, and of the version that was told by then, where that matters.
    pub fn close(&self, place: Cursor, told: i64) -> String {
        self.signer.sign(&(place.to_string(), told), &self.bound())
    }

    /// The place and the version that a cursor is of; an empty place for an empty cursor.
    ///
    /// # Errors
    /// [`WatchError::Invalid`] for one that is not of this stream; [`WatchError::Expired`] for one
    /// from before cursors were signed.
    pub fn open(&self, cursor: &str) -> Result<(String, i64), WatchError> {
        match self.signer.open(cursor, &self.bound()) {
            Ok(place) => Ok(place.unwrap_or_default()),
            Err(_) => {
                let place = cursor.split('.').next().unwrap_or_default();
                Err(place
                    .parse::<Cursor>()
                    .map_or(WatchError::Invalid(ParseError), |_| WatchError::Expired))
            }
        }
    }

    fn bound(&self) -> (&str, &str, &str) {
        ("cursor", self.stream, &self.of)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    /// row: D3, D6, D7
    #[test]
    fn a_cursor_opens_for_its_own_stream_alone() {
        let place = Cursor {
            epoch: Uuid::from_u128(7),
            transaction_id: 1,
            position: 2,
            at: DateTime::from_timestamp_micros(3).unwrap(),
        };
        let seal = |key: u8, stream, of: u8| Seal::new(Signer::new([key; 32]), stream, of);
        let cursor = seal(1, "a", 1).close(place, 4);
        assert_eq!(
            seal(1, "a", 1).open(&cursor).unwrap(),
            (place.to_string(), 4)
        );
        assert_eq!(seal(1, "a", 1).open("").unwrap(), (String::new(), 0));
        for other in [seal(2, "a", 1), seal(1, "b", 1), seal(1, "a", 2)] {
            let refused = other.open(&cursor);
            assert!(matches!(refused, Err(WatchError::Invalid(_))), "{other:?}");
        }
        for unsigned in [place.to_string(), format!("{place}.4")] {
            let refused = seal(1, "a", 1).open(&unsigned);
            assert!(matches!(refused, Err(WatchError::Expired)), "{unsigned}");
        }
        let list = Signer::new([1; 32]).sign(&(place.to_string(), 4), &"a list");
        assert!(seal(1, "a", 1).open(&list).is_err(), "a page token is none");
    }
}

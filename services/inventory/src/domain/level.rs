//! The books of one SKU: every piece that came in is available, reserved or committed.

use crate::domain::item::{Quantity, Sku};

/// How many pieces of a SKU stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Can be reserved now.
    pub available: i64,
    /// Held for orders that are not finished.
    pub reserved: i64,
    /// Sold.
    pub committed: i64,
    /// All that ever came in.
    pub received: i64,
}

impl Counts {
    /// Whether the books are right: no part negative, the parts sum to what came in.
    pub fn balance(&self) -> bool {
        self.available >= 0
            && self.reserved >= 0
            && self.committed >= 0
            && self.available + self.reserved + self.committed == self.received
    }

    /// Moves pieces between the parts.
    ///
    /// # Errors
    /// [`NotEnough`] if the part they come from has fewer.
    pub fn transfer(self, transfer: Transfer, quantity: Quantity) -> Result<Self, NotEnough> {
        let pieces = i64::from(quantity);
        let mut counts = self;
        let (from, to) = match transfer {
            Transfer::Hold => (&mut counts.available, &mut counts.reserved),
            Transfer::Sell => (&mut counts.available, &mut counts.committed),
            Transfer::Commit => (&mut counts.reserved, &mut counts.committed),
            Transfer::Unhold => (&mut counts.reserved, &mut counts.available),
            Transfer::Restock => (&mut counts.committed, &mut counts.available),
        };
        if *from < pieces {
            return Err(NotEnough { left: *from });
        }
        *from -= pieces;
        *to += pieces;
        Ok(counts)
    }

    /// Adds pieces that came in, or takes away some that are available.
    ///
    /// # Errors
    /// [`NotEnough`] if more would go than are available, or more come than can be counted.
    pub fn adjust(self, delta: i64) -> Result<Self, NotEnough> {
        let left = self.available;
        let sum = |part: i64| part.checked_add(delta).filter(|sum| *sum >= 0);
        match (sum(self.available), sum(self.received)) {
            (Some(available), Some(received)) => Ok(Self {
                available,
                received,
                ..self
            }),
            _ => Err(NotEnough { left }),
        }
    }
}

/// A [`Counts`] as it is stored, under its name and with the number of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Whose books these are.
    pub sku: Sku,
    /// The books.
    pub counts: Counts,
    /// How many facts `stock.changed` were published for it.
    pub version: i64,
}

impl Level {
    /// The level after a move. Only one that buyers can see counts as a new version: it is the one that has a fact.
    ///
    /// # Errors
    /// [`NotEnough`] if the part that the pieces come from has fewer.
    pub fn transfer(self, transfer: Transfer, quantity: Quantity) -> Result<Self, NotEnough> {
        Ok(Self {
            counts: self.counts.transfer(transfer, quantity)?,
            version: self.version + i64::from(transfer.is_visible()),
            ..self
        })
    }
}

/// From which part of the books to which pieces go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Available to reserved: an order may have them.
    Hold,
    /// Available to committed: a commit whose hold had expired.
    Sell,
    /// Reserved to committed: the order is confirmed.
    Commit,
    /// Reserved to available: the order ended without a sale, or time ran out.
    Unhold,
    /// Committed to available: a confirmed order was cancelled.
    Restock,
}

impl Transfer {
    /// Whether the move may find too little: all others move what was counted before.
    pub fn takes(self) -> bool {
        matches!(self, Self::Hold | Self::Sell)
    }

    /// Whether it changes what a buyer can have.
    pub fn is_visible(self) -> bool {
        !matches!(self, Self::Commit)
    }
}

/// A part of the books has fewer pieces than are asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only {left} left")]
pub struct NotEnough {
    /// What it has.
    pub left: i64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRANSFERS: [Transfer; 5] = [
        Transfer::Hold,
        Transfer::Sell,
        Transfer::Commit,
        Transfer::Unhold,
        Transfer::Restock,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// row: I1
        #[test]
        fn the_books_balance_after_any_moves(
            moves in prop::collection::vec((0..6usize, 1..=100i32, -150..150i64), 0..60),
        ) {
            let mut counts = Counts::default();
            for (which, pieces, delta) in moves {
                let before = counts;
                let moved = match TRANSFERS.get(which) {
                    Some(&transfer) => counts.transfer(transfer, Quantity::new(pieces).unwrap()),
                    None => counts.adjust(delta),
                };
                counts = moved.unwrap_or(before);
                prop_assert!(counts.balance(), "{counts:?}");
            }
        }
    }

    #[test]
    fn no_part_gives_more_than_it_has() {
        let counts = Counts {
            available: 3,
            received: 3,
            ..Counts::default()
        };
        let four = Quantity::new(4).unwrap();
        assert_eq!(
            counts.transfer(Transfer::Hold, four),
            Err(NotEnough { left: 3 })
        );
        assert_eq!(
            counts.transfer(Transfer::Restock, four),
            Err(NotEnough { left: 0 })
        );
        assert_eq!(counts.adjust(-4), Err(NotEnough { left: 3 }));
        assert_eq!(counts.adjust(i64::MAX), Err(NotEnough { left: 3 }));
    }
}

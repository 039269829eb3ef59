//! The books: every movement of money is one balanced entry, and entries are only added.
//!
//! | event   | debit (+)           | credit (−)          |
//! |---------|---------------------|---------------------|
//! | capture | `provider-clearing` | `sales`             |
//! | refund  | `refunds`           | `provider-clearing` |
//!
//! `provider-clearing` is what the provider owes us; it goes back to 0 for an order whose
//! capture was refunded. Refunds have an account of their own, so that sales stay readable.

use money::{Amount, Currency};

use crate::domain::id::OrderId;

/// What happened to the money of an order; each at most once per order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Movement {
    /// The customer's money came.
    Capture,
    /// It went back.
    Refund,
}

impl Movement {
    /// The kind as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
        }
    }
}

/// Where money stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Captured by the provider, not yet paid out to us.
    ProviderClearing,
    /// Earned.
    Sales,
    /// Given back.
    Refunds,
}

impl Account {
    /// The account's name in the books.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProviderClearing => "provider-clearing",
            Self::Sales => "sales",
            Self::Refunds => "refunds",
        }
    }
}

/// One line of an entry: debits are positive, credits negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account it stands in.
    pub account: Account,
    /// In what.
    pub currency: Currency,
    /// How much, with its sign.
    pub minor_units: i64,
}

/// A movement of money: lines that sum to 0. There is no other way to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The order whose money moves.
    pub order_id: OrderId,
    /// What happens to it.
    pub kind: Movement,
    lines: [Posting; 2],
}

impl Entry {
    /// The entry for a capture or a refund of `amount`.
    pub fn new(order_id: OrderId, kind: Movement, amount: Amount) -> Self {
        let (debit, credit) = match kind {
            Movement::Capture => (Account::ProviderClearing, Account::Sales),
            Movement::Refund => (Account::Refunds, Account::ProviderClearing),
        };
        let currency = amount.currency();
        // An amount is never negative, so its negation exists.
        let line = |account, minor_units| Posting {
            account,
            currency,
            minor_units,
        };
        let lines = [
            line(debit, amount.minor_units()),
            line(credit, -amount.minor_units()),
        ];
        Self {
            order_id,
            kind,
            lines,
        }
    }

    /// Its lines, the debit first.
    pub fn lines(&self) -> &[Posting] {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    /// row: I2
    #[test]
    fn the_books_say_from_which_account_to_which() {
        let amount = Amount::parse("EUR", 5).unwrap();
        for (kind, name, accounts) in [
            (Movement::Capture, "capture", ["provider-clearing", "sales"]),
            (Movement::Refund, "refund", ["refunds", "provider-clearing"]),
        ] {
            let entry = Entry::new(OrderId(Uuid::nil()), kind, amount);
            let lines = entry.lines().iter();
            let lines: Vec<_> = lines
                .map(|line| (line.account.as_str(), line.minor_units))
                .collect();
            assert_eq!(lines, [(accounts[0], 5), (accounts[1], -5)]);
            assert_eq!(kind.as_str(), name);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// row: I2
        #[test]
        fn every_entry_balances(minor_units in 0..=i64::MAX, refund in prop::bool::ANY) {
            let amount = Amount::parse("EUR", minor_units).unwrap();
            let kind = if refund { Movement::Refund } else { Movement::Capture };
            let entry = Entry::new(OrderId(Uuid::nil()), kind, amount);
            let sum: i128 = entry.lines().iter().map(|line| i128::from(line.minor_units)).sum();
            prop_assert_eq!(sum, 0);
            prop_assert_eq!(entry.lines()[0].minor_units, minor_units);
        }
    }
}

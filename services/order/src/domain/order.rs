//! An order and the moves it may make.
//!
//! ```text
//! PENDING ─► PAID ─► CONFIRMED
//!    │        │          │
//!    ├────────┴──────────┴──► CANCELLING ─► CANCELLED   a person asked
//!    │                            └───────► REJECTED    the reservation was lost after payment
//!    └─► REJECTED                                       short, declined, or a peer away for too long
//! ```

use chrono::{DateTime, Utc};
use money::Amount;

use crate::domain::draft::{Draft, Quote};
use crate::domain::id::{CustomerId, OrderId};

/// Where an order stands. The numbers are those of the contract and of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Accepted; stock and payment are being arranged, or given back before a rejection.
    Pending = 1,
    /// Stock is reserved and the payment captured.
    Paid = 2,
    /// Bought: the customer owns the goods.
    Confirmed = 3,
    /// Stock and money are on their way back.
    Cancelling = 4,
    /// A person undid the order.
    Cancelled = 5,
    /// The shop could not carry the order out.
    Rejected = 6,
}

/// Why an order ended other than CONFIRMED. The numbers are those of the contract and of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The stock could not be had: short, or inventory stayed away for the whole step budget.
    OutOfStock = 1,
    /// The payment provider said no.
    PaymentDeclined = 2,
    /// Payment stayed away for the whole step budget.
    PaymentUnavailable = 3,
    /// The reservation was gone when the paid stock was to be committed.
    ReservationExpired = 4,
    /// The customer cancelled.
    CustomerRequest = 5,
    /// Support cancelled.
    StaffRequest = 6,
}

/// One SKU of an order at the price it is sold for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is bought.
    pub sku: String,
    /// How many pieces.
    pub quantity: i32,
    /// The price of one piece.
    pub unit_price: Amount,
    /// Unit price times quantity.
    pub amount: Amount,
}

/// An order as the service keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Who buys.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub status: Status,
    /// Why it ended, or is ending, other than CONFIRMED.
    pub end_reason: Option<EndReason>,
    /// What is bought, in the order it was asked for.
    pub lines: Vec<Line>,
    /// What the customer pays: the lines less the discount.
    pub total: Amount,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When its status changed last.
    pub updated_at: DateTime<Utc>,
    /// 1 when accepted, one more with every change of status: the version of its facts.
    pub version: i64,
}

/// A move the order may not make.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("order is {from:?}, cannot become {to:?}")]
pub struct IllegalMove {
    /// Where it stands.
    pub from: Status,
    /// Where it was to go.
    pub to: Status,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Paid,
        Self::Confirmed,
        Self::Cancelling,
        Self::Cancelled,
        Self::Rejected,
    ];

    /// Whether nothing more happens by itself.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Confirmed | Self::Cancelled | Self::Rejected)
    }

    /// Whether the order may move from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use Status::{Cancelled, Cancelling, Confirmed, Paid, Pending, Rejected};
        matches!(
            (self, next),
            (Pending, Paid | Cancelling | Rejected)
                | (Paid, Confirmed | Cancelling)
                | (Confirmed, Cancelling)
                | (Cancelling, Cancelled | Rejected)
        )
    }

    /// The status with this number.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| *status as i16 == number)
    }
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::OutOfStock,
        Self::PaymentDeclined,
        Self::PaymentUnavailable,
        Self::ReservationExpired,
        Self::CustomerRequest,
        Self::StaffRequest,
    ];

    /// The reason with this number.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reason| *reason as i16 == number)
    }

    /// The reason as errors name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutOfStock => "OUT_OF_STOCK",
            Self::PaymentDeclined => "PAYMENT_DECLINED",
            Self::PaymentUnavailable => "PAYMENT_UNAVAILABLE",
            Self::ReservationExpired => "RESERVATION_EXPIRED",
            Self::CustomerRequest => "CUSTOMER_REQUEST",
            Self::StaffRequest => "STAFF_REQUEST",
        }
    }
}

impl Order {
    /// A fresh, PENDING order at the quoted prices.
    pub fn new(draft: &Draft, quote: Quote, id: OrderId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            customer_id: draft.customer_id,
            status: Status::Pending,
            end_reason: None,
            lines: quote.lines,
            total: quote.total,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Moves the order on; an illegal move changes nothing.
    pub fn advance(
        &mut self,
        to: Status,
        reason: Option<EndReason>,
        now: DateTime<Utc>,
    ) -> Result<(), IllegalMove> {
        if !self.status.may_become(to) {
            return Err(IllegalMove {
                from: self.status,
                to,
            });
        }
        self.status = to;
        self.end_reason = reason;
        self.updated_at = now.max(self.updated_at);
        self.version += 1;
        Ok(())
    }

    /// What promotions took off the sum of the lines.
    pub fn discount(&self) -> Amount {
        let mut lines = self.lines.iter();
        let nothing = Amount::zero(self.total.currency());
        let sum = lines.try_fold(nothing, |sum, line| sum.plus(line.amount));
        let discount = sum.and_then(|sum| sum.minus(self.total));
        discount.expect("an order is placed at a quote that adds up")
    }

    /// How many pieces are bought.
    pub fn piece_count(&self) -> i32 {
        self.lines.iter().map(|line| line.quantity).sum()
    }
}

#[cfg(test)]
mod tests;

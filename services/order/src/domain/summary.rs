//! Orders as lists show them.

use chrono::{DateTime, Utc};
use money::Amount;

use super::id::{CustomerId, OrderId};
use super::order::{EndReason, Status};

/// An order as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its id.
    pub id: OrderId,
    /// Who buys.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub status: Status,
    /// Why it ended, or is ending, other than CONFIRMED.
    pub end_reason: Option<EndReason>,
    /// How often its status changed, and one.
    pub version: i64,
    /// How many pieces are bought.
    pub piece_count: i32,
    /// What the customer pays.
    pub total: Amount,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When its status changed last.
    pub updated_at: DateTime<Utc>,
}

/// Which orders a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderFilter {
    /// Whose.
    pub customer_id: CustomerId,
    /// Only those that stand here; none shows all.
    pub status: Option<Status>,
}

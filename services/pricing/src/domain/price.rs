//! What one piece of a SKU costs in one currency.

use chrono::{DateTime, Utc};
use money::Amount;

use crate::domain::sku::Sku;

/// The price of a SKU in one currency. Prices in other currencies are prices of their own: nothing is converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub sku: Sku,
    pub amount: Amount,
    /// Position of this change among all price changes of the SKU, over all its currencies, from 1.
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

//! A product, as far as one must know it to suggest it.

use chrono::{DateTime, Utc};

use crate::domain::id::ProductId;

/// A stock keeping unit. The contract caps its length; nobody looks inside here. Its order is that of
/// its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku(String);

impl Sku {
    /// Takes a SKU as the edge, a fact or the database has it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// What the catalog told of the product of a SKU, as of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub sku: Sku,
    pub product_id: ProductId,
    /// Number of the product's change.
    pub version: i64,
    /// When the product was made. Of two products that had a SKU one after the other, the later has it.
    pub listed_at: DateTime<Utc>,
    /// False from its deletion on.
    pub is_sold: bool,
}

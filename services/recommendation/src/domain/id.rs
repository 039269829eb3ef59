//! Ids as types of their own, so that a person's never stands where a product's should.

use uuid::Uuid;

/// Names the user who buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(pub Uuid);

/// Names a product of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProductId(pub Uuid);

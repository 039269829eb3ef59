//! A product as the shop describes it. What it costs and how many there are is known elsewhere.

use std::fmt;

use chrono::{DateTime, Utc};
use money::Amount;
use uuid::Uuid;

/// The id of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductId(pub Uuid);

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stock keeping unit, unique among products, never changed after creation: prices and stock hang on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku(String);

impl Sku {
    /// Takes a SKU as the edge or the database validated it.
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

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a SKU costs, as of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPrice {
    pub sku: Sku,
    pub price: Amount,
    /// The number of the change among those of the SKU's prices.
    pub version: i64,
}

/// What a new product says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProduct {
    pub sku: Sku,
    pub name: String,
    pub description: String,
    pub category: String,
    /// Relative to the shop, or absolute.
    pub image_url: String,
}

/// A wish to change a product; what is None stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    pub name: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub image_url: Option<String>,
}

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub id: ProductId,
    pub sku: Sku,
    pub name: String,
    pub description: String,
    pub category: String,
    pub image_url: String,
    /// A copy of the price for display; no order is ever charged by it.
    pub display_price: Option<Amount>,
    /// Number of the product's latest change, from 1 without gaps; its deletion counts too.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Product {
    /// The first version of a product.
    #[must_use]
    pub fn new(id: ProductId, draft: NewProduct, now: DateTime<Utc>) -> Self {
        Self {
            id,
            sku: draft.sku,
            name: draft.name,
            description: draft.description,
            category: draft.category,
            image_url: draft.image_url,
            display_price: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Applies a revision. Returns false, and raises no version, when it changes nothing.
    pub fn revise(&mut self, revision: Revision, now: DateTime<Utc>) -> bool {
        let changed = [
            replace(&mut self.name, revision.name),
            replace(&mut self.description, revision.description),
            replace(&mut self.category, revision.category),
            replace(&mut self.image_url, revision.image_url),
        ]
        .contains(&true);
        if changed {
            self.touch(now);
        }
        changed
    }

    /// Shows a price. Returns false, and raises no version, when it is shown already.
    pub fn show(&mut self, price: Amount, now: DateTime<Utc>) -> bool {
        let changed = self.display_price != Some(price);
        if changed {
            self.display_price = Some(price);
            self.touch(now);
        }
        changed
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.updated_at = now.max(self.updated_at);
    }
}

fn replace(field: &mut String, wish: Option<String>) -> bool {
    match wish {
        Some(value) if value != *field => {
            *field = value;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;

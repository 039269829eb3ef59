//! Domain types as messages and back, where more than one rpc or fact shows them.

use proto::catalog::v1 as pb;
use uuid::Uuid;

use crate::domain::product::{Product, ProductId};
use crate::error::Error;

/// The id in a request, which the contract's rules have found to be a UUID.
pub fn product_id(text: &str) -> Result<ProductId, Error> {
    Uuid::parse_str(text)
        .map(ProductId)
        .map_err(|_| Error::Field { field: "id" })
}

impl From<Product> for pb::Product {
    fn from(product: Product) -> Self {
        Self {
            id: product.id.to_string(),
            sku: product.sku.into_string(),
            name: product.name,
            description: product.description,
            category: product.category,
            image_url: product.image_url,
            display_price: product.display_price.map(Into::into),
            created_at: Some(product.created_at.into()),
            updated_at: Some(product.updated_at.into()),
        }
    }
}

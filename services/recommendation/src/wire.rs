//! Domain values as the contract writes them: what several rpcs and facts share.

use proto::recommendation::v1::Suggestion;
use uuid::Uuid;

use crate::domain::id::{CustomerId, ProductId};
use crate::domain::ranking::Ranked;
use crate::error::Error;

/// How many are suggested to whoever does not say.
const LIMIT: usize = 10;
/// The most that the contract lets one ask for.
const LIMIT_MAX: usize = 20;

/// Reads an id that the contract has checked.
pub fn customer_id(text: &str) -> Result<CustomerId, Error> {
    Uuid::parse_str(text)
        .map(CustomerId)
        .map_err(|_| Error::Field("user_id"))
}

/// Reads the id of a product that a fact is about.
pub fn product_id(text: &str) -> Result<ProductId, Error> {
    Uuid::parse_str(text)
        .map(ProductId)
        .map_err(|_| Error::Field("product.id"))
}

/// How many are wanted; 0 leaves it to us.
pub fn limit(wanted: i32) -> Result<usize, Error> {
    match usize::try_from(wanted) {
        Ok(0) => Ok(LIMIT),
        Ok(wanted) if wanted <= LIMIT_MAX => Ok(wanted),
        _ => Err(Error::Field("limit")),
    }
}

/// Suggestions on the wire.
pub fn items(ranked: Vec<Ranked>) -> Vec<Suggestion> {
    ranked.into_iter().map(Into::into).collect()
}

impl From<Ranked> for Suggestion {
    fn from(ranked: Ranked) -> Self {
        let product_id = ranked.product_id.map(|id| id.0.to_string());
        Self {
            product_id: product_id.unwrap_or_default(),
            sku: ranked.sku.into_string(),
            score: ranked.score,
        }
    }
}

//! Domain types as messages and back, where more than one rpc or fact shows them.

use money::Currency;
use proto::pricing::v1 as pb;

use crate::App;
use crate::domain::price::Price;
use crate::error::Error;

/// The currency a request names, or the shop's if it names none.
pub fn currency(code: &str, app: &App) -> Result<Currency, Error> {
    if code.is_empty() {
        return Ok(app.currency);
    }
    Currency::parse(code).ok_or(Error::Field {
        field: "currency_code",
    })
}

impl From<Price> for pb::Price {
    fn from(price: Price) -> Self {
        Self {
            amount: Some(price.amount.into()),
            sku: price.sku.into_string(),
            updated_at: Some(price.updated_at.into()),
        }
    }
}

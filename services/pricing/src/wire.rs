//! Domain types as messages and back, where more than one rpc or fact shows them.

use proto::pricing::v1 as pb;

use crate::App;
use crate::domain::money::{Amount, Currency};
use crate::domain::price::Price;
use crate::error::Error;

/// Money on the wire.
pub fn money(currency: Currency, amount: Amount) -> pb::Money {
    pb::Money {
        currency_code: currency.to_string(),
        minor_units: amount.minor_units(),
    }
}

/// The currency a request names, or the shop's if it names none.
pub fn currency(code: &str, app: &App) -> Result<Currency, Error> {
    if code.is_empty() {
        return Ok(app.currency);
    }
    Currency::parse(code).ok_or(Error::Currency)
}

impl From<Price> for pb::Price {
    fn from(price: Price) -> Self {
        Self {
            amount: Some(money(price.currency, price.amount)),
            sku: price.sku.into_string(),
            updated_at: Some(price.updated_at.into()),
        }
    }
}

//! Hands each function to the generated builder. Conversions that several rpcs need stand here,
//! those of one rpc in its file.

mod batch_get_prices;
mod get_price;
mod quote_items;
mod set_price;
mod set_promotion;

use edge::{Service, get_connect};
use proto::pricing::v1 as pb;
use proto::pricing::v1::pricing_service as path;
use proto::pricing::v1::pricing_service_connect::PricingServiceTonicCompatibleBuilder;

use crate::App;
use crate::domain::money::{Amount, Currency};
use crate::domain::price::Price;
use crate::error::Error;

/// Every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
    let routes = PricingServiceTonicCompatibleBuilder::new()
        .get_price(get_price::get_price)
        .batch_get_prices(batch_get_prices::batch_get_prices)
        .quote_items(quote_items::quote_items)
        .set_price(set_price::set_price)
        .set_promotion(set_promotion::set_promotion)
        .with_state(app.clone())
        .build();
    let get = get_connect(get_price::get_price);
    let batch = get_connect(batch_get_prices::batch_get_prices);
    let quote = get_connect(quote_items::quote_items);
    service
        .mount(routes)
        .get(path::GET_PRICE, get.with_state(app.clone()))
        .get(path::BATCH_GET_PRICES, batch.with_state(app.clone()))
        .get(path::QUOTE_ITEMS, quote.with_state(app.clone()))
}

/// Money on the wire.
pub fn money(currency: Currency, amount: Amount) -> pb::Money {
    pb::Money {
        currency_code: currency.to_string(),
        minor_units: amount.minor_units(),
    }
}

/// The currency a request names, or the shop's if it names none.
fn currency(code: &str, app: &App) -> Result<Currency, Error> {
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

//! Facts that pricing tells.

use events::Fact;
use proto::event::v1::PriceChanged;

use crate::domain::price::Price;
use crate::wire::money;

/// A SKU costs something else now.
pub fn price_changed(price: &Price, previous: Option<&Price>) -> Fact {
    let changed = PriceChanged {
        sku: price.sku.to_string(),
        amount: Some(money(price.currency, price.amount)),
        previous_amount: previous.map(|previous| money(previous.currency, previous.amount)),
    };
    command::fact(&changed, price.version, None)
}

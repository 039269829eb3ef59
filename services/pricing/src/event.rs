//! Facts that pricing tells.

use events::Fact;
use proto::event::v1::PriceChanged;

use crate::domain::price::Price;

/// A SKU costs something else now.
pub fn price_changed(price: &Price, previous: Option<&Price>) -> Fact {
    let changed = PriceChanged {
        sku: price.sku.to_string(),
        amount: Some(price.amount.into()),
        previous_amount: previous.map(|previous| previous.amount.into()),
    };
    command::fact(&changed, price.version, None)
}

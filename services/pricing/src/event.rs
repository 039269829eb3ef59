//! Facts that pricing tells.

use proto::event::v1::PriceChanged;
use proto::fact::Fact;

use crate::domain::price::Price;
use crate::rpc::money;

/// A SKU costs something else now.
pub fn price_changed(price: &Price, previous: Option<&Price>) -> PriceChanged {
    PriceChanged {
        sku: price.sku.to_string(),
        amount: Some(money(price.currency, price.amount)),
        previous_amount: previous.map(|previous| money(previous.currency, previous.amount)),
    }
}

/// A fact as the outbox takes it; `version` numbers the facts about its key.
pub fn fact<F: Fact>(fact: &F, version: i64) -> events::Fact {
    events::Fact {
        topic: F::TOPIC,
        key: fact.key().to_owned(),
        version,
        subject: None,
        data: fact.encode_to_vec(),
    }
}

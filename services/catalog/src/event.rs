//! Facts that the catalog tells.

use clock::Clock;
use events::Origin;
use prost::Message;
use proto::event::v1::ProductChanged;
use proto::fact::Fact;
use sea_orm::DbErr;
use store::Transaction;

pub use proto::event::v1::product_changed::Change;

use crate::domain::product::Product;

/// Records that a product changed, as its version of that number.
///
/// # Errors
/// The database failed.
pub async fn push(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    product: &Product,
    change: Change,
) -> Result<(), DbErr> {
    let changed = ProductChanged {
        product: Some(product.clone().into()),
        change: change.into(),
    };
    let fact = events::Fact {
        topic: ProductChanged::TOPIC,
        key: changed.key().to_owned(),
        version: product.version,
        subject: None,
        data: changed.encode_to_vec(),
    };
    events::outbox::push(txn, clock, crate::NAME, origin, fact)
        .await
        .map(drop)
}

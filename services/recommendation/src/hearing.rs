//! What is heard of orders, products and people, and what is kept of it.
//!
//! Facts of different services come in any order, and after a crash again. Each has one effect, and none
//! depends on which came first: counts only rise, of products and purchases the latest is kept, and
//! whoever left is remembered for as long as an order of his may still come.

use std::collections::BTreeSet;

use bus::{Group, Start, Told};
use clock::Clock;
use command::Work;
use futures::FutureExt;
use proto::event::v1::product_changed::Change;
use proto::event::v1::{OrderConfirmed, ProductChanged, UserDeleted};
use sql::Database;

use crate::domain::basket;
use crate::domain::product::{Offer, Sku};
use crate::error::Error;
use crate::store;
use crate::wire::{customer_id, product_id};

/// The group that hears of it, as the contract calls it.
pub const GROUP: &str = "recommendation";

/// What is heard, and what is done about it.
pub fn group(db: &Database, clock: &Clock) -> Group {
    Group::new(GROUP, Start::Earliest, db, clock)
        .hears("order", |work, told: Told<OrderConfirmed>| {
            count(work, told).boxed()
        })
        .hears("catalog", |work, told: Told<ProductChanged>| {
            list(work, told).boxed()
        })
        .hears("user", |work, told: Told<UserDeleted>| {
            part(work, told.fact).boxed()
        })
}

/// Counts what was bought. What a test bought counts for nothing.
async fn count(work: &mut Work<'_>, told: Told<OrderConfirmed>) -> Result<(), Error> {
    if told.synthetic {
        return Ok(());
    }
    let customer = customer_id(&told.fact.user_id)?;
    let skus = told.fact.items.into_iter().map(|line| Sku::new(line.sku));
    let skus: BTreeSet<Sku> = basket::counted(skus);
    if skus.is_empty() {
        return Ok(());
    }
    let txn = &work.txn;
    let has_left = store::departure::has_left(txn, customer).await?;
    store::offer::count(txn, &skus).await?;
    store::pair::count(txn, &skus, told.at).await?;
    if !has_left {
        store::purchase::keep(txn, customer, &skus, told.at).await?;
        store::purchase::trim(txn, customer).await?;
    }
    Ok(())
}

/// Keeps which product has the SKU and whether it is sold. A test's product is one as others are: it
/// stands in the catalog, and is gone from there when it is deleted.
async fn list(work: &mut Work<'_>, told: Told<ProductChanged>) -> Result<(), Error> {
    let change = told.fact.change();
    let product = told.fact.product.ok_or(Error::Field("product"))?;
    let created_at = product
        .created_at
        .ok_or(Error::Field("product.created_at"))?;
    let offer = Offer {
        product_id: product_id(&product.id)?,
        sku: Sku::new(product.sku),
        version: told.version,
        listed_at: created_at
            .try_into()
            .map_err(|_| Error::Field("product.created_at"))?,
        is_sold: change != Change::Deleted,
    };
    store::offer::list(&work.txn, &offer).await?;
    Ok(())
}

/// Forgets what somebody bought who deleted the account, whether a test did it or not.
async fn part(work: &mut Work<'_>, told: UserDeleted) -> Result<(), Error> {
    let customer = customer_id(&told.user_id)?;
    store::departure::keep(&work.txn, customer, work.now).await?;
    store::purchase::erase(&work.txn, customer).await?;
    Ok(())
}

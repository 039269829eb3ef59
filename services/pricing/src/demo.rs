//! Demo data: prices of the products that `stoa up` shows on an empty data folder.

use chrono::{DateTime, Utc};
use clock::Clock;
use command::Work;
use events::Origin;
use futures::FutureExt;
use money::Amount;
use sql::Database;

use crate::domain::price::Price;
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::{event, store};

/// The price of one demo product.
#[derive(Clone, Debug)]
pub struct DemoPrice {
    /// Whose price it is.
    pub sku: String,
    /// The price of one piece, more than nothing.
    pub amount: Amount,
}

/// Sets the prices of SKUs that have none yet, in one transaction; run again it changes nothing.
///
/// # Errors
/// A price that cannot be, or a database that failed: then nothing was written.
pub async fn seed(db: &Database, clock: &Clock, prices: &[DemoPrice]) -> Result<(), Error> {
    let origin = Origin::internal("demo");
    command::transact(db, clock, &origin, |work| price_all(work, prices).boxed()).await
}

async fn price_all(work: &mut Work<'_>, demo: &[DemoPrice]) -> Result<(), Error> {
    let priced = store::price::priced(&work.txn, demo.iter().map(|demo| demo.sku.as_str())).await?;
    let new = demo
        .iter()
        .filter(|demo| !priced.contains(demo.sku.as_str()));
    let prices = new
        .map(|demo| first_price(demo, work.now))
        .collect::<Result<Vec<_>, _>>()?;
    store::price::insert_many(&work.txn, &prices).await?;
    for price in &prices {
        work.tell(event::price_changed(price, None));
    }
    Ok(())
}

fn first_price(demo: &DemoPrice, now: DateTime<Utc>) -> Result<Price, Error> {
    if demo.amount.is_zero() {
        return Err(Error::NotPositive);
    }
    Ok(Price {
        sku: Sku::new(demo.sku.clone()),
        amount: demo.amount,
        version: 1,
        updated_at: now,
    })
}

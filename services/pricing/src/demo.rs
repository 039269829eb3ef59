//! Demo data: prices of the products that `stoa up` shows on an empty data folder.

use ::store::{Database, retrying};
use clock::Clock;
use events::Origin;

use crate::domain::money::{Amount, Currency};
use crate::domain::price::Price;
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::{event, store};

/// The price of one demo product.
#[derive(Clone, Debug)]
pub struct DemoPrice {
    /// Whose price it is.
    pub sku: String,
    /// ISO 4217 code.
    pub currency_code: String,
    /// The price of one piece, more than 0.
    pub minor_units: i64,
}

/// Sets the prices of SKUs that have none yet, in one transaction; run again it changes nothing.
///
/// # Errors
/// A price that cannot be, or a database that failed: then nothing was written.
pub async fn seed(db: &Database, clock: &Clock, prices: &[DemoPrice]) -> Result<(), Error> {
    retrying(|| seed_once(db, clock, prices)).await
}

async fn seed_once(db: &Database, clock: &Clock, demo: &[DemoPrice]) -> Result<(), Error> {
    let origin = Origin {
        correlation_id: "demo".to_owned(),
        ..Origin::default()
    };
    let txn = db.begin_write().await?;
    let priced = store::price::priced(&txn, demo.iter().map(|demo| demo.sku.as_str())).await?;
    let new = demo
        .iter()
        .filter(|demo| !priced.contains(demo.sku.as_str()));
    let prices = new
        .map(|demo| first_price(demo, clock))
        .collect::<Result<Vec<_>, _>>()?;
    store::price::insert_many(&txn, &prices).await?;
    for price in &prices {
        let fact = event::fact(&event::price_changed(price, None), price.version);
        events::outbox::push(&txn, clock, crate::NAME, &origin, fact).await?;
    }
    txn.commit().await?;
    Ok(())
}

fn first_price(demo: &DemoPrice, clock: &Clock) -> Result<Price, Error> {
    Ok(Price {
        sku: Sku::new(demo.sku.clone()),
        currency: Currency::parse(&demo.currency_code).ok_or(Error::Currency)?,
        amount: Amount::new(demo.minor_units)
            .filter(|amount| *amount > Amount::ZERO)
            .ok_or(Error::NotPositive)?,
        version: 1,
        updated_at: clock.now(),
    })
}

//! Demo data: prices of the products that `stoa up` shows on an empty data folder.

use ::store::{Database, Transaction, retrying};
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

async fn seed_once(db: &Database, clock: &Clock, prices: &[DemoPrice]) -> Result<(), Error> {
    let txn = db.begin_write().await?;
    for demo in prices {
        seed_price(&txn, clock, demo).await?;
    }
    txn.commit().await?;
    Ok(())
}

async fn seed_price(txn: &Transaction, clock: &Clock, demo: &DemoPrice) -> Result<(), Error> {
    let sku = Sku::new(demo.sku.clone());
    let version = store::price::version(txn, &sku).await?;
    if version > 0 {
        return Ok(());
    }
    let price = Price {
        sku,
        currency: Currency::parse(&demo.currency_code).ok_or(Error::Currency)?,
        amount: Amount::new(demo.minor_units)
            .filter(|amount| *amount > Amount::ZERO)
            .ok_or(Error::NotPositive)?,
        version: version + 1,
        updated_at: clock.now(),
    };
    store::price::save(txn, &price).await?;
    let fact = event::fact(&event::price_changed(&price, None), price.version);
    let origin = Origin {
        correlation_id: "demo".to_owned(),
        ..Origin::default()
    };
    events::outbox::push(txn, clock, crate::NAME, &origin, fact).await?;
    Ok(())
}

//! Demo data: stock of the products that `stoa up` shows on an empty data folder.

use ::store::{Database, retrying};
use clock::Clock;

use crate::domain::item::Sku;
use crate::error::Error;
use crate::{event, store};
use events::Origin;

/// The stock of one demo product.
#[derive(Clone, Debug)]
pub struct DemoStock {
    /// Whose stock it is.
    pub sku: String,
    /// How many pieces come in, at least 0.
    pub pieces: i64,
}

/// Stocks the SKUs that never were, in one transaction; run again it changes nothing.
///
/// # Errors
/// The database failed: then nothing was written.
pub async fn seed(db: &Database, clock: &Clock, stock: &[DemoStock]) -> Result<(), Error> {
    if stock.is_empty() {
        return Ok(());
    }
    retrying(|| seed_once(db, clock, stock)).await
}

async fn seed_once(db: &Database, clock: &Clock, stock: &[DemoStock]) -> Result<(), Error> {
    let txn = db.begin_write().await?;
    let pieces: Vec<_> = stock
        .iter()
        .map(|one| (Sku::new(&one.sku), one.pieces.max(0)))
        .collect();
    let levels = store::stock_level::insert_new(&txn, &pieces, clock.now()).await?;
    let origin = Origin {
        correlation_id: "demo".to_owned(),
        ..Origin::default()
    };
    for level in levels.iter().filter(|level| level.version > 0) {
        let fact = event::stock_changed(level);
        events::outbox::push(&txn, clock, crate::NAME, &origin, fact).await?;
    }
    txn.commit().await?;
    Ok(())
}

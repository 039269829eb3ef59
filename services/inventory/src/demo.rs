//! Demo data: stock of the products that `stoa up` shows on an empty data folder.

use clock::Clock;
use command::Work;
use events::Origin;
use futures::FutureExt;
use sql::Database;

use crate::domain::item::Sku;
use crate::error::Error;
use crate::{event, store};

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
    let origin = Origin::internal("demo");
    command::transact(db, clock, &origin, |work| stock_all(work, stock).boxed()).await
}

async fn stock_all(work: &mut Work<'_>, stock: &[DemoStock]) -> Result<(), Error> {
    let pieces: Vec<_> = stock
        .iter()
        .map(|one| (Sku::new(&one.sku), one.pieces.max(0)))
        .collect();
    let levels = store::stock_level::insert_new(&work.txn, &pieces, work.now).await?;
    for level in levels.iter().filter(|level| level.version > 0) {
        work.tell(event::stock_changed(level));
    }
    Ok(())
}

//! Reading stock levels, and changing them by hand.

use std::collections::BTreeMap;

use command::Work;

use crate::domain::item::Sku;
use crate::domain::level::Level;
use crate::error::Error;
use crate::lane::Pass;
use crate::store::stock_adjustment::Adjustment;
use crate::{App, event, store};

/// The level of a SKU.
///
/// # Errors
/// [`Error::SkuNotFound`] if it was never stocked.
pub async fn level(app: &App, sku: Sku) -> Result<Level, Error> {
    match store::stock_level::find(app.db.read(), &sku).await? {
        Some(level) => Ok(level),
        None => Err(Error::SkuNotFound(sku)),
    }
}

/// How many pieces of each SKU can be had, 0 of one that was never stocked.
///
/// # Errors
/// The database failed.
pub async fn available(app: &App, skus: &[Sku]) -> Result<BTreeMap<Sku, i64>, Error> {
    let levels = store::stock_level::find_many(app.db.read(), skus).await?;
    Ok(levels
        .into_iter()
        .map(|(sku, level)| (sku, level.counts.available))
        .collect())
}

/// Pieces that came in, or, negative, went out outside of orders.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What was counted.
    pub sku: Sku,
    /// How many pieces.
    pub delta: i64,
    /// A note for the books.
    pub reason: String,
}

/// Waits in line for the SKU of a delivery.
pub async fn queue(app: &App, delivery: &Delivery) -> Pass {
    let skus = std::slice::from_ref(&delivery.sku);
    app.lanes.enter(&[], skus).await
}

/// Changes the stock of a SKU by hand, as `subject`.
///
/// # Errors
/// [`Error::NotEnough`] if more would go than are available, [`Error::SkuNotFound`] if some
/// would go of a SKU that was never stocked.
pub async fn adjust(
    work: &mut Work<'_>,
    subject: &str,
    delivery: &Delivery,
) -> Result<Level, Error> {
    let Delivery { sku, delta, reason } = delivery;
    let Some(level) = store::stock_level::adjust(&work.txn, sku, *delta, work.now).await? else {
        return match store::stock_level::find(&work.txn, sku).await? {
            Some(level) => Err(Error::NotEnough {
                sku: sku.clone(),
                available: level.counts.available,
            }),
            None => Err(Error::SkuNotFound(sku.clone())),
        };
    };
    let adjustment = Adjustment {
        id: work.id(),
        sku: sku.clone(),
        delta: *delta,
        reason: reason.clone(),
        subject: subject.to_owned(),
    };
    store::stock_adjustment::insert(&work.txn, adjustment, work.now).await?;
    work.tell(event::stock_changed(&level));
    Ok(level)
}

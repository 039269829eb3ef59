//! Reading stock levels, and changing them by hand.

use std::collections::BTreeMap;

use ::store::retrying;
use prost::Message;

use crate::domain::item::Sku;
use crate::domain::level::Level;
use crate::error::Error;
use crate::store::stock_adjustment::Adjustment;
use crate::{App, event, store};
use command::{Answer, Command};

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

/// Changes the stock of a SKU by hand.
///
/// # Errors
/// [`Error::NotEnough`] if more would go than are available, [`Error::SkuNotFound`] if some
/// would go of a SKU that was never stocked.
pub async fn adjust<R>(
    app: &App,
    command: &Command,
    delivery: &Delivery,
) -> Result<Answer<R>, Error>
where
    R: From<Level> + Message + Default,
{
    let _turn = app
        .lanes
        .enter(&[], std::slice::from_ref(&delivery.sku))
        .await;
    retrying(|| adjust_once(app, command, delivery)).await
}

async fn adjust_once<R>(
    app: &App,
    command: &Command,
    delivery: &Delivery,
) -> Result<Answer<R>, Error>
where
    R: From<Level> + Message + Default,
{
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let Delivery { sku, delta, reason } = delivery;
    let Some(level) = store::stock_level::adjust(&txn, sku, *delta, now).await? else {
        return match store::stock_level::find(&txn, sku).await? {
            Some(level) => Err(Error::NotEnough {
                sku: sku.clone(),
                available: level.counts.available,
            }),
            None => Err(Error::SkuNotFound(sku.clone())),
        };
    };
    let adjustment = Adjustment {
        id: app.clock.id(),
        sku: sku.clone(),
        delta: *delta,
        reason: reason.clone(),
        subject: command.subject.clone(),
    };
    store::stock_adjustment::insert(&txn, adjustment, now).await?;
    let fact = event::stock_changed(&level);
    events::outbox::push(&txn, &app.clock, crate::NAME, &command.origin, fact).await?;
    let answer = command.seal(&txn, R::from(level)).await?;
    txn.commit().await?;
    Ok(answer)
}

//! Gives back what is held for longer than was asked: in the background, and at once where a
//! buyer finds too little.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use command::Work;
use events::Origin;
use futures::FutureExt;
use sql::Transaction;
use tracing::info;

use crate::domain::item::{OrderId, Sku};
use crate::domain::level::Transfer;
use crate::domain::reservation::{Demand, Plan, Reservation, plan};
use crate::error::Error;
use crate::{App, event, store};

/// Reservations that one transaction expires at most, so that it holds up no buyer.
const BATCH: u64 = 50;

/// Gives back all overdue holds, a batch at a time. Until one that failed is tried again they stay
/// held.
///
/// # Errors
/// The database failed; what the batches before gave back stays so.
pub async fn all(app: App) -> Result<(), Error> {
    let mut first = None;
    loop {
        let due = sweep(&app).await?;
        // A full batch may have left some, but where the same one comes first again none goes.
        if (due.len() as u64) < BATCH || due.first() == first.as_ref() {
            return Ok(());
        }
        first = due.first().copied();
    }
}

/// Whether a hold is over that has not been given back.
pub async fn is_due(txn: &Transaction, now: DateTime<Utc>) -> Result<bool, Error> {
    Ok(!store::reservation::overdue(txn, now, 1).await?.is_empty())
}

/// Gives back one batch of overdue holds, the oldest first, and returns the orders it looked at.
///
/// # Errors
/// The database failed; nothing was given back.
async fn sweep(app: &App) -> Result<Vec<OrderId>, Error> {
    // Looked for outside the transaction: mostly there is none, and then nothing is written.
    let due = store::reservation::overdue(app.db.read(), app.clock.now(), BATCH).await?;
    if due.is_empty() {
        return Ok(due);
    }
    let origin = Origin::internal(format!("sweep-{}", app.clock.id().simple()));
    let expired = command::transact(&app.db, &app.clock, &origin, |work| {
        expire(work, &due).boxed()
    })
    .await?;
    if expired > 0 {
        info!(
            expired,
            "Gave back the stock of {expired} reservations whose time was over"
        );
    }
    Ok(due)
}

async fn expire(work: &mut Work<'_>, due: &[OrderId]) -> Result<usize, Error> {
    let (txn, now) = (&work.txn, work.now);
    let mut expired = Vec::new();
    let mut pieces = BTreeMap::<Sku, i64>::new();
    for order_id in due {
        let current = store::reservation::find(txn, *order_id).await?;
        // Committed or released meanwhile, or held anew: then it is not ours any more.
        let Plan::Change(change) = plan(current.as_ref(), &Demand::Expire, now) else {
            continue;
        };
        for (sku, quantity) in change.items.iter() {
            *pieces.entry(sku.clone()).or_default() += i64::from(*quantity);
        }
        expired.push(Reservation::after(*order_id, current.as_ref(), change));
    }
    let pieces: Vec<_> = pieces.into_iter().collect(); // in the order in which rows are locked
    let levels = store::stock_level::give(txn, Transfer::Unhold, &pieces, now).await?;
    for reservation in &expired {
        store::reservation::update(txn, reservation, now).await?;
    }
    for reservation in &expired {
        work.tell(event::reservation(reservation, None));
    }
    for level in &levels {
        work.tell(event::stock_changed(level));
    }
    Ok(expired.len())
}

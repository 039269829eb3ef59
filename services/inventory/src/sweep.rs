//! Gives back what is held for longer than was asked: in the background, and at once where a
//! buyer finds too little.

use chrono::{DateTime, Utc};
use events::Origin;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use sql::Transaction;
use tracing::info;

use crate::domain::item::OrderId;
use crate::domain::reservation::{Demand, State};
use crate::error::Error;
use crate::reservations::{Demander, carry_out};
use crate::{App, store};

/// Reservations that are looked for at once.
const BATCH: u64 = 50;
/// Of those, how many expire side by side.
const AT_ONCE: usize = 8;

/// Gives back all overdue holds, a batch at a time. Until one that failed is tried again they stay
/// held.
///
/// # Errors
/// The database failed; what was given back before stays so.
pub fn all(app: App) -> BoxFuture<'static, Result<(), Error>> {
    async move {
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
    .boxed()
}

/// Whether a hold is over that has not been given back.
pub async fn is_due(txn: &Transaction, now: DateTime<Utc>) -> Result<bool, Error> {
    Ok(!store::reservation::overdue(txn, now, 1).await?.is_empty())
}

/// Gives back one batch of overdue holds, the oldest first, and returns the orders it looked at.
async fn sweep(app: &App) -> Result<Vec<OrderId>, Error> {
    let due = store::reservation::overdue(app.db.read(), app.clock.now(), BATCH).await?;
    if due.is_empty() {
        return Ok(due);
    }
    let by = Demander {
        origin: Origin::internal(format!("sweep-{}", app.clock.id().simple())),
        user: None,
    };
    let expiring: Vec<_> = due.iter().map(|id| expire(app, &by, *id).boxed()).collect();
    let expiring = stream::iter(expiring).buffer_unordered(AT_ONCE);
    let expired: Vec<bool> = expiring.try_collect().await?;
    let expired = expired.into_iter().filter(|expired| *expired).count();
    if expired > 0 {
        info!(
            expired,
            "Gave back the stock of {expired} reservations whose time was over"
        );
    }
    Ok(due)
}

/// Whether the hold is given back; one that was committed, released or held anew meanwhile is not ours any more.
async fn expire(app: &App, by: &Demander, order_id: OrderId) -> Result<bool, Error> {
    let after = carry_out(app, by, order_id, &Demand::Expire).await?;
    Ok(after.state == State::Expired)
}

//! Gives back what is held for longer than was asked: in the background, and at once where a
//! buyer finds too little.

use chrono::{DateTime, Utc};
use events::Origin;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use sql::Transaction;
use tracing::{info, warn};

use crate::domain::item::OrderId;
use crate::domain::reservation::{Demand, State};
use crate::error::Error;
use crate::reservations::{Demander, carry_out};
use crate::{App, store};

/// Reservations that are looked for at once.
const BATCH: u64 = 50;
/// Of those, how many expire side by side.
const AT_ONCE: usize = 8;

/// Gives back all overdue holds, a batch at a time. Those that failed stay held until they are tried again, and keep
/// no other from coming back.
///
/// # Errors
/// The database failed, and nothing of a batch came back; what did before stays so.
pub fn all(app: App) -> BoxFuture<'static, Result<(), Error>> {
    async move {
        let _alone = app.sweeping.lock().await;
        while sweep(&app).await? {}
        Ok(())
    }
    .boxed()
}

/// Whether a hold is over that has not been given back.
pub async fn is_due(txn: &Transaction, now: DateTime<Utc>) -> Result<bool, Error> {
    Ok(!store::reservation::overdue(txn, now, 1).await?.is_empty())
}

/// Gives back one batch of overdue holds, the oldest first, and returns whether there may be more that can be.
async fn sweep(app: &App) -> Result<bool, Error> {
    let due = store::reservation::overdue(app.db.read(), app.clock.now(), BATCH).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let by = Demander {
        origin: Origin::internal(format!("sweep-{}", app.clock.id().simple())),
        user: None,
    };
    let expiring: Vec<_> = due.iter().map(|id| expire(app, &by, *id).boxed()).collect();
    let mut expiring = stream::iter(expiring).buffer_unordered(AT_ONCE);
    let (mut expired, mut failed) = (0, None);
    while let Some(outcome) = expiring.next().await {
        match outcome {
            Ok(is_back) => expired += usize::from(is_back),
            Err(error) => {
                warn!(%error, "The stock of a reservation whose time is over was not given back");
                failed = Some(error);
            }
        }
    }
    if expired > 0 {
        info!(
            expired,
            "Gave back the stock of {expired} reservations whose time was over"
        );
    }
    match failed {
        Some(error) if expired == 0 => Err(error),
        _ => Ok(expired > 0 && due.len() as u64 == BATCH),
    }
}

/// Whether the hold is given back; one that was committed, released or held anew meanwhile is not ours any more.
async fn expire(app: &App, by: &Demander, order_id: OrderId) -> Result<bool, Error> {
    let after = carry_out(app, by, order_id, &Demand::Expire).await?;
    Ok(after.state == State::Expired)
}

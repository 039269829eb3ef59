//! Forgets pairs that nobody has bought together for long, and those who left long ago.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DbErr;
use sql::{Database, retrying, sweep};

use crate::store;

/// How long a pair counts after it was last bought together: what goes together at Christmas is known at
/// the next.
const PAIRS_KEPT: TimeDelta = TimeDelta::days(400);
/// How long it is known that somebody left: longer than any order of his may be on its way here, which
/// with the facts that are kept and those that were parked is less than 40 days.
const DEPARTURES_KEPT: TimeDelta = TimeDelta::days(60);

/// Forgets what is over by `now`, a batch at a time, so that it holds up no writer.
///
/// # Errors
/// The database failed; what was forgotten stays so.
pub async fn forget(db: &Database, now: DateTime<Utc>) -> Result<(), DbErr> {
    let batch = || retrying(|| forget_some(db, now));
    sweep::in_batches(batch).await.map(drop)
}

async fn forget_some(db: &Database, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let txn = sweep::begin(db).await?;
    let pairs = store::pair::prune(&txn, now - PAIRS_KEPT).await?;
    let departures = store::departure::prune(&txn, now - DEPARTURES_KEPT).await?;
    txn.commit().await?;
    Ok(pairs.max(departures))
}

//! Forgets what is over: sessions that ended, answers that no repeat asks for any more.

use std::time::Duration;

use ::store::{Database, idempotency};
use chrono::{DateTime, Utc};
use clock::Clock;

use crate::error::Error;
use crate::store;

const INTERVAL: Duration = Duration::from_secs(600);

/// Forgets what is over, from time to time.
pub async fn run(db: Database, clock: Clock) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = forget(&db, clock.now()).await {
            let cause = ::rpc::error::chain(&error);
            tracing::warn!(%cause, "What is over could not be forgotten");
        }
    }
}

/// Forgets what is over now.
///
/// # Errors
/// [`Error::Store`].
pub async fn forget(db: &Database, now: DateTime<Utc>) -> Result<(), Error> {
    while ::store::retrying(|| prune_sessions_once(db, now)).await? > 0 {}
    idempotency::prune(db, now - idempotency::KEPT).await?;
    Ok(())
}

async fn prune_sessions_once(db: &Database, now: DateTime<Utc>) -> Result<u64, Error> {
    let txn = db.begin_write().await?;
    let pruned = store::session::prune(&txn, now).await?;
    txn.commit().await?;
    Ok(pruned)
}

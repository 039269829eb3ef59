//! Forgets what nobody may ask for any more: answers under old keys, facts behind every legal cursor.

use std::time::Duration;

use ::store::{Database, idempotency};
use chrono::TimeDelta;
use clock::Clock;
use events::outbox;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(600);
/// Facts are kept a day longer than a cursor may be old.
const FACTS_KEPT: TimeDelta = TimeDelta::days(8);

/// Forgets from time to time, until `shutdown`.
pub async fn run(db: Database, clock: Clock, shutdown: CancellationToken) {
    while shutdown
        .run_until_cancelled(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        if let Err(error) = forget(&db, &clock).await {
            tracing::warn!(cause = %rpc::error::chain(&error), "Old rows could not be deleted");
        }
    }
}

async fn forget(db: &Database, clock: &Clock) -> Result<(), DbErr> {
    let now = clock.now();
    idempotency::prune(db, now - idempotency::KEPT).await?;
    outbox::prune(db, now - FACTS_KEPT).await?;
    Ok(())
}

//! Deletes idempotency records that no repetition can ask for any more.

use std::time::Duration;

use clock::Clock;
use store::{Database, idempotency};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Runs until `shutdown`, on the hour of its own start.
pub async fn housekeeping(db: Database, clock: Clock, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let before = clock.now() - idempotency::KEPT;
        if let Err(error) = idempotency::prune(&db, before).await {
            tracing::warn!(error = %error, "Old idempotency records could not be deleted");
        }
    }
}

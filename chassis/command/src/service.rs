//! What every service with a database begins with, so that none can forget it: readiness, and
//! work that keeps what grows within bounds.

use std::time::Duration;

use clock::Clock;
use rpc::Service;
use store::{Database, idempotency};
use tokio_util::sync::CancellationToken;

const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60 * 60);

/// A service of that name on its own database, without rpcs yet: ready while the database
/// answers, and keeping house every hour.
pub fn service(name: &'static str, db: &Database, clock: &Clock) -> Service {
    let (ready, kept, clock) = (db.clone(), db.clone(), clock.clone());
    Service::new(name)
        .ready("database", move || {
            let db = ready.clone();
            Box::pin(async move { db.ping().await.map_err(|error| error.to_string()) })
        })
        .background("housekeeping", move |shutdown| {
            keep_house(kept, clock, shutdown)
        })
}

/// Deletes idempotency records that no repetition can ask for any more, until `shutdown`, on
/// the hour of its own start.
async fn keep_house(db: Database, clock: Clock, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(HOUSEKEEPING_EVERY) => {}
        }
        let before = clock.now() - idempotency::KEPT;
        if let Err(error) = idempotency::prune(&db, before).await {
            tracing::warn!(error = %error, "Old idempotency records could not be deleted");
        }
    }
}

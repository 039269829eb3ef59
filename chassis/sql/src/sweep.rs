//! Deleting what is over, a little at a time, so that it holds up nobody who writes.

use std::time::Instant;

use sea_orm::DbErr;

use crate::{Database, Transaction};

/// Rows that one transaction deletes at most.
pub const BATCH: u64 = 500;

/// Begins a transaction that deletes rows which no decision rests on any more. On PostgreSQL it is
/// READ COMMITTED: it takes part in no race of those who write, so neither makes the other try
/// again. What it deletes must be found by what the statement itself says of the row.
///
/// # Errors
/// As [`Database::begin_guarded`].
pub async fn begin(db: &Database) -> Result<Transaction, DbErr> {
    db.begin_guarded().await
}

/// Runs `batch` until it deletes fewer rows than [`BATCH`], and returns how many all deleted. After
/// each it leaves the writer to others for as long as it took.
///
/// # Errors
/// That of `batch`; what the batches before it deleted stays so.
pub async fn in_batches<Fut>(mut batch: impl FnMut() -> Fut) -> Result<u64, DbErr>
where
    Fut: Future<Output = Result<u64, DbErr>>,
{
    let mut deleted = 0;
    loop {
        let begun = Instant::now();
        let some = batch().await?;
        deleted += some;
        if some < BATCH {
            return Ok(deleted);
        }
        tokio::time::sleep(begun.elapsed()).await;
    }
}

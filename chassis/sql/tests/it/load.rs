//! Many writers at once.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, TransactionTrait};
use sql::Database;

use testkit::Engine;

use crate::{on, read, set};

const WRITERS: usize = 50;
const LASTS: Duration = Duration::from_secs(20);

async fn increment(db: &Database) -> Result<(), DbErr> {
    let txn = db.begin_write().await?;
    let value = read(&txn, "a").await?;
    set(&txn, "a", value + 1).await?;
    txn.commit().await
}

/// row: R-09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_writers_lose_nothing_and_none_finds_the_database_locked() {
    let db = on(Engine::Sqlite).await;
    let start = Instant::now();
    let writers = (0..WRITERS).map(|_| {
        let db = db.database.clone();
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while start.elapsed() < LASTS {
                let begun = Instant::now();
                increment(&db).await.unwrap(); // not even retried
                waits.push(begun.elapsed());
            }
            waits
        })
    });
    let results: Vec<Vec<Duration>> = join_all(writers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let fewest = results.iter().map(Vec::len).min().unwrap();
    let mut waits = results.concat();
    waits.sort_unstable();
    let done = waits.len();
    assert_eq!(
        read(db.read(), "a").await.unwrap(),
        done as i64,
        "an update was lost"
    );
    assert!(done > 100, "only {done} commits in {LASTS:?}");
    assert!(
        fewest * WRITERS * 2 >= done,
        "a writer starved: {fewest} of {done}"
    );
    let (p99, worst) = (waits[done * 99 / 100], waits[done - 1]);
    println!("{done} commits by {WRITERS} writers in {LASTS:?}, p99 {p99:?}, worst {worst:?}");
}

/// The same with what the library gives when asked for nothing: it must fail, or the test above
/// proves nothing.
///
/// row: R-09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_protection_writers_find_the_database_locked() {
    let db = on(Engine::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deferred.db");
    let mut options = sea_orm::ConnectOptions::new(format!("sqlite:{}?mode=rwc", path.display()));
    options.max_connections(8).sqlx_logging(false);
    let pool = sea_orm::Database::connect(options).await.unwrap();
    for sql in [
        "pragma journal_mode = wal",
        "create table counters (name text primary key, value bigint not null)",
        "insert into counters values ('a', 0)",
    ] {
        pool.execute_unprepared(sql).await.unwrap();
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the very mistake that begin_write prevents"
    )]
    async fn deferred(pool: &DatabaseConnection) -> Result<(), DbErr> {
        let txn = pool.begin().await?;
        let value = read(&txn, "a").await?;
        set(&txn, "a", value + 1).await?;
        txn.commit().await
    }
    let attempts = (0..400).map(|_| deferred(&pool));
    let failed = join_all(attempts)
        .await
        .into_iter()
        .filter(Result::is_err)
        .count();
    assert!(failed > 0, "DEFERRED was not seen to fail");
    drop(db);
}

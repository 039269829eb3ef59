//! Attempts that are made again.

use std::time::Duration;

use futures::future::join_all;
use sea_orm::{DbErr, RuntimeErr};
use sql::{Fault, fault, retrying, retrying_until};
use tokio::time::Instant;

use testkit::Engine;

use crate::{on, read, set};

/// Two who each read what the other writes, over and over: only one of them can be first.
#[tokio::test]
async fn who_has_time_is_run_again_more_often_than_five_times() {
    let db = on(Engine::Postgres).await;
    let mut tries = 0;
    let attempt = || {
        tries += 1;
        let (db, early) = (&db, tries <= 8);
        async move {
            let txn = db.begin_write().await?;
            let value = read(&txn, "a").await?;
            if early {
                let rival = db.begin_write().await?;
                set(&rival, "a", value + 1).await?;
                rival.commit().await?;
            }
            set(&txn, "a", value + 10).await?;
            txn.commit().await
        }
    };
    let done: Result<(), DbErr> =
        retrying_until(Instant::now() + Duration::from_secs(10), attempt).await;
    done.unwrap();
    assert_eq!(tries, 9);
    assert_eq!(read(db.read(), "a").await.unwrap(), 18);

    let late = || async {
        let txn = db.begin_write().await?;
        let value = read(&txn, "a").await?;
        let rival = db.begin_write().await?;
        set(&rival, "a", value + 1).await?;
        rival.commit().await?;
        set(&txn, "a", value).await
    };
    let until = Instant::now() + Duration::from_millis(200);
    let error = retrying_until(until, late).await.unwrap_err();
    assert_eq!(fault(&error), Fault::Retry);
    assert!(Instant::now() < until + Duration::from_millis(300));
}

/// When one who always loses began each attempt.
async fn loses() -> Vec<Instant> {
    let mut begun = Vec::new();
    let lost: Result<(), DbErr> = retrying(|| {
        begun.push(Instant::now());
        let taken_back = "the shared transaction was taken back by SQLite";
        async move { Err(DbErr::Exec(RuntimeErr::Internal(taken_back.into()))) }
    })
    .await;
    assert_eq!(fault(&lost.unwrap_err()), Fault::Retry);
    begun
}

/// Rivals who paused alike would meet again: each pause is three times the one before, and by chance
/// up to as much again.
///
/// row: R-10
#[tokio::test]
async fn pauses_grow_and_rivals_do_not_pause_alike() {
    let mut pauses: [Vec<Duration>; 5] = Default::default();
    for begun in join_all((0..50).map(|_| loses())).await {
        assert_eq!(begun.len(), 6, "the first, and five more");
        for (pauses, pair) in pauses.iter_mut().zip(begun.windows(2)) {
            pauses.push(pair[1] - pair[0]);
        }
    }
    for (mut pauses, least) in pauses.into_iter().zip([4, 12, 36, 108, 250]) {
        pauses.sort_unstable();
        assert!(pauses[0] >= Duration::from_millis(least), "{pauses:?}");
        let spread = pauses[pauses.len() * 9 / 10] - pauses[pauses.len() / 10];
        // A busy machine alone spreads the short ones.
        let enough = Duration::from_millis(if least < 100 { 0 } else { least / 3 });
        assert!(spread >= enough, "{pauses:?}");
    }
}

//! Attempts that are made again.

use std::time::Duration;

use sea_orm::DbErr;
use sql::{Fault, fault, retrying_until};
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

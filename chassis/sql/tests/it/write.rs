//! Transactions that write, and attempts that are run again.

use std::cell::Cell;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr};
use sql::{Fault, fault, retrying};
use testkit::{Engine, both_engines};

use crate::{both, on, read, set};

#[both_engines]
async fn what_is_committed_is_read_and_what_is_dropped_is_not(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 1).await.unwrap();
    assert_eq!(read(&txn, "a").await.unwrap(), 1);
    assert_eq!(
        read(db.read(), "a").await.unwrap(),
        0,
        "not before the commit"
    );
    txn.commit().await.unwrap();
    assert_eq!(read(db.read(), "a").await.unwrap(), 1);

    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 2).await.unwrap();
    drop(txn);
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 3).await.unwrap();
    txn.rollback().await.unwrap();
    assert_eq!(read(db.read(), "a").await.unwrap(), 1);
}

#[both_engines]
async fn the_pool_to_read_from_refuses_to_write(engine: Engine) {
    let db = on(engine).await;
    set(db.read(), "a", 1).await.unwrap_err();
    assert_eq!(read(db.read(), "a").await.unwrap(), 0);
}

#[both_engines]
async fn a_commit_wakes_followers_only_if_it_was_announced(engine: Engine) {
    let db = on(engine).await;
    let mut committed = db.committed();
    for announced in [false, true, false] {
        let txn = db.begin_write().await.unwrap();
        set(&txn, "a", 1).await.unwrap();
        if announced {
            txn.announce();
        }
        assert!(!committed.has_changed().unwrap(), "not before the commit");
        txn.commit().await.unwrap();
        assert_eq!(committed.has_changed().unwrap(), announced);
        committed.mark_unchanged();
    }
    let txn = db.begin_write().await.unwrap();
    txn.announce();
    txn.rollback().await.unwrap();
    assert!(!committed.has_changed().unwrap(), "a rollback wakes nobody");
}

/// Each takes what both counters hold together, so both at once would leave less than nothing.
///
/// row: R-10
#[both_engines]
async fn write_skew_is_refused_and_the_whole_attempt_runs_again(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 50).await.unwrap();
    set(&txn, "b", 50).await.unwrap();
    txn.commit().await.unwrap();
    let withdraw = async |name: &'static str| -> Result<bool, DbErr> {
        let txn = db.begin_write().await?;
        let (a, b) = (read(&txn, "a").await?, read(&txn, "b").await?);
        tokio::time::sleep(Duration::from_millis(50)).await; // both have read by now
        let enough = a + b >= 100;
        if enough {
            set(&txn, name, if name == "a" { a } else { b } - 100).await?;
        }
        txn.commit().await?;
        Ok(enough)
    };
    let (a, b) = tokio::join!(retrying(|| withdraw("a")), retrying(|| withdraw("b")));
    assert_ne!(a.unwrap(), b.unwrap(), "exactly one finds enough");
    let sum = read(db.read(), "a").await.unwrap() + read(db.read(), "b").await.unwrap();
    assert_eq!(sum, 0);
}

/// A scan of a small table counts as reading all of it, and then any two would collide.
///
/// row: R-10
#[tokio::test]
async fn on_postgres_two_that_touch_different_rows_of_a_small_table_both_commit() {
    let db = on(Engine::Postgres).await;
    let txn = db.begin_write().await.unwrap();
    txn.execute_unprepared("analyze counters").await.unwrap();
    txn.commit().await.unwrap();
    let (one, two) = (
        db.begin_write().await.unwrap(),
        db.begin_write().await.unwrap(),
    );
    let (a, b) = (
        read(&one, "a").await.unwrap(),
        read(&two, "b").await.unwrap(),
    );
    set(&one, "a", a + 1).await.unwrap();
    set(&two, "b", b + 1).await.unwrap();
    one.commit().await.unwrap();
    two.commit().await.unwrap();
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Transparent(#[from] DbErr),
    #[error("deep down")]
    Wrapped(#[source] Box<Error>),
}

#[tokio::test]
async fn an_attempt_runs_six_times_at_most_and_once_when_it_cannot_help() {
    let db = on(Engine::Postgres).await;
    for (code, attempts) in [("40001", 6), ("40P01", 6), ("55P03", 6), ("22012", 1)] {
        let count = Cell::new(0);
        let result = retrying(async || -> Result<(), Error> {
            count.set(count.get() + 1);
            let txn = db.begin_write().await?;
            let raise = format!("do $$ begin raise exception using errcode = '{code}'; end $$");
            let raised = txn.execute_unprepared(&raise).await;
            raised.map_err(|error| Error::Wrapped(Box::new(error.into())))?;
            Ok(())
        });
        result.await.unwrap_err();
        assert_eq!(count.get(), attempts, "{code}");
    }
}

/// A client that leaves drops its future at any await: nothing half done may stay, and the
/// connection must serve the next one.
#[both_engines]
async fn an_attempt_dropped_at_any_moment_leaves_all_or_nothing(engine: Engine) {
    let db = on(engine).await;
    for microseconds in (0..4000).step_by(40) {
        let handle = db.database.clone();
        let attempt = async move {
            let txn = handle.begin_write().await?;
            let value = read(&txn, "a").await?;
            set(&txn, "a", value + 1).await?;
            set(&txn, "b", value + 1).await?;
            txn.commit().await
        };
        let limit = Duration::from_micros(microseconds);
        drop(tokio::time::timeout(limit, attempt).await);
        // The server may still be busy with the dropped commit, so this may need to retry.
        let next = retrying(async || {
            let txn = db.begin_write().await?;
            let (a, b) = (read(&txn, "a").await?, read(&txn, "b").await?);
            set(&txn, "a", a).await?;
            txn.commit().await?;
            Ok::<_, DbErr>((a, b))
        });
        let (a, b) = next.await.unwrap();
        assert_eq!(a, b, "half of it stayed after {microseconds} µs");
    }
    assert!(
        read(db.read(), "a").await.unwrap() > 0,
        "none got through: the times are wrong"
    );
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended_and_the_connection_serves_the_next() {
    let [sqlite, postgres] = both().await;
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) \
                   select max(i) from n";
    for (db, sql) in [(sqlite, endless), (postgres, "select pg_sleep(6)")] {
        let error = db.read().execute_unprepared(sql).await.unwrap_err();
        assert_eq!(fault(&error), Fault::Unavailable, "{error}");
        let txn = db.begin_write().await.unwrap();
        let error = txn.execute_unprepared(sql).await.unwrap_err();
        assert_eq!(fault(&error), Fault::Unavailable, "{error}");
        drop(txn);
        let txn = db.begin_write().await.unwrap();
        set(&txn, "a", 1).await.unwrap();
        txn.commit().await.unwrap();
        assert_eq!(read(db.read(), "a").await.unwrap(), 1);
    }
}

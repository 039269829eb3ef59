//! Writes that wait for the commit.

use std::time::Duration;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, InsertStatement, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, DbErr};
use sql::{Fault, fault, retrying};
use testkit::{Engine, both_engines};

use crate::{on, read, set};

fn setting(name: &str, value: i64) -> UpdateStatement {
    Query::update()
        .table(Alias::new("counters"))
        .value(Alias::new("value"), value)
        .and_where(Expr::col(Alias::new("name")).eq(name))
        .to_owned()
}

fn inserting(name: &str, value: i64) -> InsertStatement {
    Query::insert()
        .into_table(Alias::new("counters"))
        .columns(["name", "value"].map(Alias::new))
        .values_panic([name.into(), value.into()])
        .to_owned()
}

#[both_engines]
async fn deferred_writes_are_seen_by_the_next_read_and_kept_by_the_commit(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    txn.defer(&setting("a", 1)).await.unwrap();
    txn.defer(&setting("b", 2)).await.unwrap();
    txn.defer(&inserting("c", 3)).await.unwrap();
    assert_eq!(read(&txn, "c").await.unwrap(), 3);
    txn.defer(&setting("c", 4)).await.unwrap();
    txn.commit().await.unwrap();
    for (name, value) in [("a", 1), ("b", 2), ("c", 4)] {
        assert_eq!(read(db.read(), name).await.unwrap(), value, "{name}");
    }
    let txn = db.begin_write().await.unwrap();
    txn.defer(&setting("a", 9)).await.unwrap();
    drop(txn);
    assert_eq!(read(db.read(), "a").await.unwrap(), 1);
}

#[both_engines]
async fn however_many_are_deferred_all_are_written(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    for number in 0..100 {
        txn.defer(&inserting(&number.to_string(), number))
            .await
            .unwrap();
    }
    txn.commit().await.unwrap();
    for number in [0, 15, 16, 99] {
        let value = read(db.read(), &number.to_string()).await;
        assert_eq!(value.unwrap(), number);
    }
}

#[both_engines]
async fn a_deferred_write_that_fails_fails_the_commit_and_nothing_is_kept(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 7).await.unwrap();
    txn.defer(&setting("b", 7)).await.unwrap();
    txn.defer(&inserting("a", 1)).await.unwrap();
    let fault = fault(&txn.commit().await.unwrap_err());
    assert!(matches!(fault, Fault::Unique { .. }), "{fault:?}");
    for name in ["a", "b"] {
        assert_eq!(read(db.read(), name).await.unwrap(), 0, "{name}");
    }
}

/// PostgreSQL says that the statement is done, and then that it cannot be committed.
#[tokio::test]
async fn what_only_the_commit_finds_wrong_is_an_error_of_the_commit() {
    let db = on(Engine::Postgres).await;
    let txn = db.begin_write().await.unwrap();
    txn.execute_unprepared("create table late (value bigint unique deferrable initially deferred)")
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let adding = Query::insert()
        .into_table(Alias::new("late"))
        .columns([Alias::new("value")])
        .values_panic([1_i64.into()])
        .to_owned();
    let txn = db.begin_write().await.unwrap();
    txn.defer(&adding).await.unwrap();
    txn.announce();
    txn.commit().await.unwrap();
    let announced = *db.committed().borrow();
    let txn = db.begin_write().await.unwrap();
    txn.defer(&setting("a", 3)).await.unwrap();
    txn.defer(&adding).await.unwrap();
    txn.announce();
    let fault = fault(&txn.commit().await.unwrap_err());
    assert!(matches!(fault, Fault::Unique { .. }), "{fault:?}");
    assert_eq!(read(db.read(), "a").await.unwrap(), 0);
    assert_eq!(*db.committed().borrow(), announced);
}

/// Two who want the same row at once: the commit of one alone is deferred, and it is run again.
#[tokio::test]
async fn a_deferred_write_that_lost_a_race_is_run_again() {
    let db = on(Engine::Postgres).await;
    let rival = db.begin_write().await.unwrap();
    set(&rival, "a", 1).await.unwrap();
    let mut tries = 0;
    let attempt = || {
        tries += 1;
        async {
            let txn = db.begin_write().await?;
            txn.defer_required(&setting("a", 2)).await?;
            txn.commit().await
        }
    };
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await; // until the other waits for the row
        rival.commit().await
    };
    let (done, ended) = tokio::join!(retrying(attempt), end);
    ended.unwrap();
    done.unwrap();
    assert_eq!(tries, 2);
    assert_eq!(read(db.read(), "a").await.unwrap(), 2);
}

#[both_engines]
async fn a_required_write_that_touches_no_row_undoes_its_transaction(engine: Engine) {
    let db = on(engine).await;
    for waited_for in [false, true] {
        let txn = db.begin_write().await.unwrap();
        if waited_for {
            set(&txn, "a", 5).await.unwrap();
        }
        txn.defer(&setting("b", 5)).await.unwrap();
        txn.defer_required(&setting("nobody", 5)).await.unwrap();
        txn.defer(&inserting("a", 5)).await.unwrap(); // not reached
        let untouched = txn.commit().await;
        assert!(matches!(untouched, Err(DbErr::RecordNotUpdated)));
        for name in ["a", "b"] {
            assert_eq!(read(db.read(), name).await.unwrap(), 0, "{name}");
        }
    }
    let txn = db.begin_write().await.unwrap();
    txn.defer(&setting("a", 6)).await.unwrap();
    txn.defer_required(&setting("b", 6)).await.unwrap();
    txn.commit().await.unwrap();
    for name in ["a", "b"] {
        assert_eq!(read(db.read(), name).await.unwrap(), 6, "{name}");
    }
}

//! Attempts that guard their writes.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use testkit::{Engine, both_engines};

use crate::connect::ask;
use crate::{on, read, set};

/// Counts on from what was found.
fn counting(name: &str, found: i64) -> UpdateStatement {
    Query::update()
        .table(Alias::new("counters"))
        .value(Alias::new("value"), found + 1)
        .and_where(Expr::col(Alias::new("name")).eq(name))
        .and_where(Expr::col(Alias::new("value")).eq(found))
        .to_owned()
}

#[both_engines]
async fn what_is_as_it_was_found_is_written(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_guarded().await.unwrap();
    let found = read(&txn, "a").await.unwrap();
    txn.defer_required(&counting("a", found)).await.unwrap();
    txn.defer_required(&counting("b", found)).await.unwrap();
    txn.commit().await.unwrap();
    for name in ["a", "b"] {
        assert_eq!(read(db.read(), name).await.unwrap(), found + 1, "{name}");
    }
}

#[both_engines]
async fn where_one_thing_is_not_as_it_was_found_nothing_is_stored(engine: Engine) {
    let db = on(engine).await;
    for behind in [0, 20] {
        let txn = db.begin_guarded().await.unwrap();
        let found = read(&txn, "a").await.unwrap();
        txn.defer_required(&counting("a", found)).await.unwrap();
        let mut outcome = txn.defer_required(&counting("b", found + 7)).await;
        // More than fit into one statement: then there is a transaction around them.
        for _ in 0..behind {
            if outcome.is_ok() {
                outcome = txn.defer(&counting("none", 0)).await;
            }
        }
        if outcome.is_ok() {
            outcome = txn.commit().await;
        }
        assert_eq!(outcome, Err(DbErr::RecordNotUpdated), "{behind}");
        assert_eq!(read(db.read(), "a").await.unwrap(), found);
    }
}

/// On SQLite nobody writes meanwhile.
#[tokio::test]
async fn nobody_is_kept_from_what_it_read_and_who_was_faster_is_noticed() {
    let db = on(Engine::Postgres).await;
    let slow = db.begin_guarded().await.unwrap();
    let found = read(&slow, "a").await.unwrap();
    let fast = db.begin_write().await.unwrap();
    set(&fast, "a", found + 5).await.unwrap();
    fast.commit().await.unwrap();
    slow.defer_required(&counting("a", found)).await.unwrap();
    assert_eq!(slow.commit().await, Err(DbErr::RecordNotUpdated));
    assert_eq!(read(db.read(), "a").await.unwrap(), found + 5);
}

/// Else it would be stored at once, alone.
#[tokio::test]
async fn a_query_that_would_write_is_refused_while_there_is_no_transaction() {
    let db = on(Engine::Postgres).await;
    let txn = db.begin_guarded().await.unwrap();
    let update = "update counters set value = 9 where name = 'a' returning value";
    let update = Statement::from_string(txn.get_database_backend(), update);
    txn.query_one_raw(update).await.unwrap_err();
    txn.defer_required(&counting("b", 0)).await.unwrap();
    txn.commit().await.unwrap_err();
    for name in ["a", "b"] {
        assert_eq!(read(db.read(), name).await.unwrap(), 0, "{name}");
    }
}

#[both_engines]
async fn it_sees_what_it_wrote_and_nobody_else_does_before_the_commit(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_guarded().await.unwrap();
    txn.defer_required(&counting("a", 0)).await.unwrap();
    assert_eq!(read(&txn, "a").await.unwrap(), 1);
    assert_eq!(read(db.read(), "a").await.unwrap(), 0);
    drop(txn);
    assert_eq!(read(db.read(), "a").await.unwrap(), 0);
}

#[tokio::test]
async fn each_kind_of_transaction_is_as_far_apart_from_others_as_it_says() {
    let db = on(Engine::Postgres).await;
    let isolation = "show transaction_isolation";
    let txn = db.begin_write().await.unwrap();
    assert_eq!(ask(&txn, isolation).await, "serializable");
    txn.defer(&counting("a", 0)).await.unwrap();
    txn.commit().await.unwrap();
    let txn = db.begin_guarded().await.unwrap();
    txn.execute_unprepared("select 1").await.unwrap(); // so that there is a transaction
    assert_eq!(ask(&txn, isolation).await, "read committed");
}

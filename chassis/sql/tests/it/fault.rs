//! What errors mean.

use sea_orm::ConnectionTrait;
use sql::{Fault, fault};
use testkit::{Engine, both_engines};

use crate::on;

#[both_engines]
async fn a_row_that_is_there_already_is_told_by_constraint_or_column(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    let again = txn
        .execute_unprepared("insert into counters values ('a', 1)")
        .await;
    let fault = fault(&again.unwrap_err());
    assert!(
        fault.is_unique("counters_pkey", &["counters.name"]),
        "{fault:?}"
    );
    assert!(!fault.is_unique("other_pkey", &["counters.value"]));
    assert!(!fault.is_unique("other_pkey", &["counters.name", "counters.value"]));
    assert!(!Fault::Retry.is_unique("counters_pkey", &["counters.name"]));
}

#[both_engines]
async fn a_defect_of_ours_is_neither_retried_nor_blamed_on_the_database(engine: Engine) {
    let db = on(engine).await;
    let error = db
        .read()
        .execute_unprepared("select nonsense from nowhere")
        .await
        .unwrap_err();
    assert_eq!(fault(&error), Fault::Other);
}

#[tokio::test]
async fn what_postgres_reports_is_told_apart() {
    let db = on(Engine::Postgres).await;
    for (code, expected) in [
        ("40001", Fault::Retry),       // serialization failure
        ("40P01", Fault::Retry),       // deadlock
        ("55P03", Fault::Retry),       // lock timeout
        ("57014", Fault::Unavailable), // statement timeout
        ("57P01", Fault::Unavailable), // shutting down
        ("25006", Fault::Unavailable), // read-only
        ("53300", Fault::Unavailable), // too many connections
        ("08006", Fault::Unavailable), // connection failure
        ("22012", Fault::Other),       // division by zero
        ("23503", Fault::Other),       // foreign key
    ] {
        let raise = format!("do $$ begin raise exception using errcode = '{code}'; end $$");
        let error = db.read().execute_unprepared(&raise).await.unwrap_err();
        assert_eq!(fault(&error), expected, "{code}");
    }
}

#[tokio::test]
async fn a_file_locked_by_another_process_is_worth_another_try() {
    let db = on(Engine::Sqlite).await;
    let other = db.open().await;
    let held = db.begin_write().await.unwrap();
    let start = std::time::Instant::now();
    let error = other.begin_write().await.unwrap_err();
    assert_eq!(fault(&error), Fault::Retry, "{error}");
    assert!(
        start.elapsed().as_secs() >= 4,
        "it waits for the lock first"
    );
    held.commit().await.unwrap();
    other.begin_write().await.unwrap().commit().await.unwrap();
}

//! Connections and what stands on each of them.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Statement};
use sql::{Config, Database, Engine, Fault, fault};

use crate::{on, read, set};

/// Returns the first column of the first row, as text.
pub async fn ask(db: &impl ConnectionTrait, sql: &str) -> String {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    match row.try_get_by_index::<String>(0) {
        Ok(text) => text,
        Err(_) => row.try_get_by_index::<i64>(0).unwrap().to_string(),
    }
}

/// SQLite 3.7.0 to 3.51.2 can corrupt a WAL.
///
/// row: S-18
#[tokio::test]
async fn every_sqlite_connection_has_our_settings() {
    let db = on(Engine::Sqlite).await;
    assert_eq!(db.engine(), Engine::Sqlite);
    let version = ask(db.read(), "select sqlite_version()").await;
    let version: Vec<u32> = version
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    assert!(version >= vec![3, 51, 3], "{version:?}");
    let txn = db.begin_write().await.unwrap();
    for (pragma, value) in [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("busy_timeout", "5000"),
        ("page_size", "1024"),
        ("wal_autocheckpoint", "4000"),
        ("temp_store", "2"), // in memory
    ] {
        assert_eq!(
            ask(&txn, &format!("pragma {pragma}")).await,
            value,
            "{pragma} of the writer"
        );
    }
    for (pragma, value) in [("foreign_keys", "1"), ("busy_timeout", "5000")] {
        assert_eq!(
            ask(db.read(), &format!("pragma {pragma}")).await,
            value,
            "{pragma} of readers"
        );
    }
}

#[tokio::test]
async fn every_postgres_connection_has_our_settings() {
    let db = on(Engine::Postgres).await;
    assert_eq!(db.engine(), Engine::Postgres);
    let mut held = Vec::new();
    for _ in 0..5 {
        let txn = db.begin_write().await.unwrap();
        assert_eq!(
            ask(&txn, "show transaction_isolation").await,
            "serializable"
        );
        assert_eq!(ask(&txn, "show statement_timeout").await, "5s");
        assert_eq!(ask(&txn, "show lock_timeout").await, "2s");
        assert_eq!(
            ask(&txn, "show idle_in_transaction_session_timeout").await,
            "10s"
        );
        held.push(txn); // so that the next one is another connection
    }
    assert_eq!(
        ask(db.read(), "show transaction_isolation").await,
        "read committed"
    );
    assert_eq!(ask(db.read(), "show transaction_read_only").await, "on");
    assert_eq!(ask(db.read(), "show enable_seqscan").await, "off");
    assert_eq!(ask(db.read(), "show statement_timeout").await, "5s");
}

#[tokio::test]
async fn a_sqlite_file_and_its_log_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("with space & ü.db");
    let db = Database::connect("store", &Config::sqlite(&path))
        .await
        .unwrap();
    let txn = db.begin_write().await.unwrap();
    txn.execute_unprepared("create table t (a text)")
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 2, "there is a log beside the file");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
    db.close().await.unwrap();
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 1, "closing folds the log into the file");
}

/// row: E13, E15
#[tokio::test]
async fn a_url_that_is_not_understood_is_an_error_that_keeps_its_password() {
    for url in [
        "mysql://u:hunter2@h/d",
        "postgres://u:hunter2@h:port/d",
        "",
        "order.db",
    ] {
        let error = Database::connect("store", &Config::new(url))
            .await
            .unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let missing = Config::new("sqlite:/does/not/exist/order.db");
    let error = Database::connect("store", &missing).await.unwrap_err();
    assert_eq!(fault(&error), Fault::Unavailable);
    let secret = Config::new("postgres://u:hunter2@h/d");
    assert!(!format!("{secret:?}").contains("hunter2"));
}

/// row: O11
#[tokio::test]
async fn a_server_that_is_not_there_is_noticed_when_asked_not_at_start() {
    let url = "postgres://postgres@127.0.0.1:9/none?sslmode=disable"; // the port of nobody
    let db = Database::connect("store", &Config::new(url)).await.unwrap();
    let start = Instant::now();
    assert_eq!(fault(&db.ping().await.unwrap_err()), Fault::Unavailable);
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
    let txn = db.begin_write().await.unwrap();
    assert_eq!(
        fault(&txn.caught_up().await.unwrap_err()),
        Fault::Unavailable
    );
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

/// row: R-13, O11
#[tokio::test]
async fn a_server_that_crashed_and_came_back_is_used_again_and_kept_what_it_acknowledged() {
    let mut server = testkit::postgres::durable().await;
    let config = Config::new(server.url("postgres"));
    let db = Database::connect("store", &config).await.unwrap();
    crate::tables(&db).await.unwrap();
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 7).await.unwrap();
    txn.commit().await.unwrap();

    server.stop_immediately();
    assert_eq!(fault(&db.ping().await.unwrap_err()), Fault::Unavailable);
    let txn = db.begin_write().await.unwrap();
    assert!(set(&txn, "a", 8).await.is_err());
    drop(txn);
    server.start().await;

    let start = Instant::now();
    loop {
        match db.ping().await {
            Ok(()) => break,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(5), "{error}"),
        }
    }
    assert_eq!(read(db.read(), "a").await.unwrap(), 7);
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 8).await.unwrap();
    txn.commit().await.unwrap();
}

/// Connections that the server cut are replaced before a request meets them, once they rested.
#[tokio::test]
async fn connections_that_were_cut_cost_no_request() {
    let server = testkit::postgres::durable().await;
    let db = Database::connect("store", &Config::new(server.url("postgres")))
        .await
        .unwrap();
    let other = Database::connect("other", &Config::new(server.url("postgres")))
        .await
        .unwrap();
    crate::tables(&db).await.unwrap();
    db.ping().await.unwrap();
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
               where application_name = 'stoa store'";
    assert_eq!(ask(other.read(), cut).await, "2");
    tokio::time::sleep(Duration::from_millis(600)).await;
    db.ping().await.unwrap();
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 1).await.unwrap();
    txn.commit().await.unwrap();
}

//! A session of its own, and the lock that ends with it.

use migrations::LockSession;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sql::Database;

const KEY: i64 = 7;

fn open(db: &Database) -> LockSession {
    LockSession::open(db).unwrap()
}

#[tokio::test]
async fn a_lock_is_never_waited_for_and_ends_with_its_session() {
    let [sqlite, db] = super::empty("pricing").await;
    assert!(LockSession::open(&sqlite).is_none());
    let (one, other) = (open(&db), open(&db));
    assert!(one.try_lock(KEY).await.unwrap());
    assert!(!other.try_lock(KEY).await.unwrap());
    assert!(other.begin_locked(KEY).await.unwrap().is_none());
    let txn = one.begin_locked(KEY).await.unwrap();
    txn.expect("it has the lock").commit().await.unwrap();
    one.close().await.unwrap();
    assert!(other.try_lock(KEY).await.unwrap());
}

/// A connection that was lost is made anew, without what it had locked: whoever has that by now
/// is not disturbed.
#[tokio::test]
async fn a_session_that_was_cut_does_not_believe_in_its_lock() {
    let [_, db] = super::empty("pricing").await;
    let (one, other) = (open(&db), open(&db));
    assert!(one.try_lock(KEY).await.unwrap());
    let me = Statement::from_string(DbBackend::Postgres, "select pg_backend_pid()");
    let row = one.connection().query_one_raw(me).await.unwrap();
    let pid: i32 = row.unwrap().try_get_by_index(0).unwrap();
    let cut = format!("select pg_terminate_backend({pid}, 5000)");
    db.read().execute_unprepared(&cut).await.unwrap();
    assert!(other.try_lock(KEY).await.unwrap());
    // The first use finds the connection gone.
    let _ = one.connection().execute_unprepared("select 1").await;
    assert!(one.begin_locked(KEY).await.unwrap().is_none());
}

/// What bounds every statement stands again after one that had none.
#[tokio::test]
async fn a_statement_without_bounds_leaves_them_to_the_next() {
    let [_, db] = super::empty("pricing").await;
    let session = open(&db);
    session.run_unbounded("select pg_sleep(0.3)").await.unwrap();
    session.run_unbounded("select 1 / 0").await.unwrap_err();
    for (setting, wanted) in [("lock_timeout", "250ms"), ("statement_timeout", "5s")] {
        let show = Statement::from_string(DbBackend::Postgres, format!("show {setting}"));
        let row = session.connection().query_one_raw(show).await.unwrap();
        let found: String = row.unwrap().try_get_by_index(0).unwrap();
        assert_eq!(found, wanted, "{setting}");
    }
}

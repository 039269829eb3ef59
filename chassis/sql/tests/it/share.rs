//! Commits that several attempts share, on SQLite: who has had his turn waits for those who queued before the commit.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbErr};
use sql::{Database, Fault, Transaction, fault};
use tokio::task::{JoinHandle, yield_now};

use testkit::{Engine, Metered};

use crate::{both, on, read, set};

/// Lets everything run that can, so that who wants a turn stands in the queue.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// Commits `a` as `value` while another waits for the turn after it, and hands over that other's turn: the first has
/// ended its own then, and nothing is committed.
async fn one_ends_and_another_begins(
    db: &Database,
    value: i64,
) -> (JoinHandle<Result<(), DbErr>>, Transaction) {
    let first = db.begin_write().await.unwrap();
    let handle = db.clone();
    let second = tokio::spawn(async move { handle.begin_write().await });
    settle().await;
    set(&first, "a", value).await.unwrap();
    let first = tokio::spawn(first.commit());
    (first, second.await.unwrap().unwrap())
}

#[tokio::test]
async fn those_who_wait_share_one_commit_and_a_lone_one_waits_for_nobody() {
    let db = on(Engine::Sqlite).await;
    let metered = Metered::begin();
    let commits = || metered.counted("store_commits_total");
    for value in 1..=3 {
        let txn = db.begin_write().await.unwrap();
        set(&txn, "a", value).await.unwrap();
        txn.commit().await.unwrap();
    }
    assert_eq!(commits(), 3, "one each");

    let held = db.begin_write().await.unwrap();
    let attempts = (0..8).map(|_| {
        let db = db.database.clone();
        tokio::spawn(async move {
            let txn = db.begin_write().await?;
            let value = read(&txn, "b").await?;
            set(&txn, "b", value + 1).await?;
            txn.commit().await
        })
    });
    let attempts: Vec<_> = attempts.collect();
    settle().await;
    set(&held, "b", 100).await.unwrap();
    held.commit().await.unwrap();
    for attempt in join_all(attempts).await {
        attempt.unwrap().unwrap();
    }
    assert_eq!(commits(), 1, "nine in one");
    assert_eq!(read(db.read(), "b").await.unwrap(), 108);
}

/// row: I9
#[tokio::test]
async fn nobody_is_told_anything_before_what_he_saw_is_committed() {
    let db = on(Engine::Sqlite).await;
    let (mut first, second) = one_ends_and_another_begins(&db, 7).await;
    assert_eq!(
        read(&second, "a").await.unwrap(),
        7,
        "it comes after the first"
    );
    settle().await;
    assert!(
        (&mut first).now_or_never().is_none(),
        "told before the commit"
    );
    assert_eq!(read(db.read(), "a").await.unwrap(), 0, "others see it not");
    // It only read; what it read must be there for good before anybody hears of it.
    second.rollback().await.unwrap();
    assert_eq!(read(db.read(), "a").await.unwrap(), 7);
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_fails_or_leaves_takes_back_his_own_and_nobody_elses() {
    let db = on(Engine::Sqlite).await;
    for (value, ending) in [(1, "fails"), (2, "rolls back"), (3, "leaves")] {
        let (first, second) = one_ends_and_another_begins(&db, value).await;
        set(&second, "a", 99).await.unwrap();
        set(&second, "b", 99).await.unwrap();
        match ending {
            "fails" => {
                let twice = "insert into counters values ('a', 0)";
                second.execute_unprepared(twice).await.unwrap_err();
                let after = read(&second, "a").await.unwrap_err();
                assert!(after.to_string().contains("failed before"), "{after}");
                second.commit().await.unwrap_err();
            }
            "rolls back" => second.rollback().await.unwrap(),
            _ => drop(second),
        }
        first.await.unwrap().unwrap();
        assert_eq!(read(db.read(), "a").await.unwrap(), value, "{ending}");
        assert_eq!(read(db.read(), "b").await.unwrap(), 0, "{ending}");
    }
}

/// What SQLite takes back as a whole, as when the disk is full, failed for all of the group, who may try again, whenever
/// he leaves who made it so.
///
/// row: I9
#[tokio::test]
async fn a_transaction_that_is_gone_failed_for_all_who_stood_in_it() {
    let db = on(Engine::Sqlite).await;
    for polls in 0..6 {
        let (first, second) = one_ends_and_another_begins(&db, 7).await;
        second.execute_unprepared("rollback").await.unwrap(); // as SQLite does by itself
        let mut leaving = Box::pin(second.rollback());
        for _ in 0..polls {
            if let Some(ended) = (&mut leaving).now_or_never() {
                assert_eq!(fault(&ended.unwrap_err()), Fault::Retry);
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        drop(leaving);
        let error = first.await.unwrap().unwrap_err();
        assert_eq!(fault(&error), Fault::Retry, "{error}");
        assert_eq!(read(db.read(), "a").await.unwrap(), 0);
    }
    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 8).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(read(db.read(), "a").await.unwrap(), 8);
}

/// A statement that nobody waited for to its end may have taken what was deferred with it.
#[tokio::test]
async fn a_statement_that_was_left_fails_its_transaction() {
    let [sqlite, postgres] = both().await;
    let counting = "with recursive n(i) as (select 1 union all select i + 1 from n limit 3000000) \
                    select max(i) from n";
    for (db, slow) in [(sqlite, counting), (postgres, "select pg_sleep(0.2)")] {
        let txn = db.begin_write().await.unwrap();
        set(&txn, "a", 1).await.unwrap();
        let left = txn.execute_unprepared(slow);
        assert!(left.now_or_never().is_none(), "it takes its time");
        let error = txn.commit().await.unwrap_err();
        assert!(error.to_string().contains("failed before"), "{error}");
        assert_eq!(read(db.read(), "a").await.unwrap(), 0);
    }
}

/// row: I9
#[tokio::test]
async fn a_full_file_refuses_all_of_a_group_and_is_used_again_when_there_is_room() {
    let db = on(Engine::Sqlite).await;
    let txn = db.begin_write().await.unwrap();
    txn.execute_unprepared("create table big (data blob)")
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let (first, second) = one_ends_and_another_begins(&db, 7).await;
    second
        .execute_unprepared("pragma max_page_count = 1")
        .await
        .unwrap();
    let error = second
        .execute_unprepared("insert into big values (zeroblob(10000000))")
        .await
        .unwrap_err();
    assert_eq!(fault(&error), Fault::Unavailable, "{error}");
    let ended = second.rollback().await;
    let first = first.await.unwrap();
    assert_eq!(ended.is_ok(), first.is_ok(), "both saw the same end");
    let kept = if first.is_ok() { 7 } else { 0 };
    assert_eq!(read(db.read(), "a").await.unwrap(), kept);
    let txn = db.begin_write().await.unwrap();
    txn.execute_unprepared("pragma max_page_count = 1000000")
        .await
        .unwrap();
    set(&txn, "a", 8).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(read(db.read(), "a").await.unwrap(), 8);
}

/// Whoever waits for a commit may leave; those who stay are told all the same.
#[tokio::test]
async fn a_commit_comes_though_he_who_was_first_has_left() {
    let db = on(Engine::Sqlite).await;
    let (first, second) = one_ends_and_another_begins(&db, 7).await;
    settle().await;
    first.abort();
    set(&second, "b", 8).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(5), second.commit());
    told.await.expect("somebody commits").unwrap();
    assert_eq!(read(db.read(), "a").await.unwrap(), 7);
    assert_eq!(read(db.read(), "b").await.unwrap(), 8);
}

/// What waits for its commit when the database is closed is committed by that.
#[tokio::test]
async fn closing_commits_what_waits() {
    let db = on(Engine::Sqlite).await;
    let txn = db.begin_write().await.unwrap();
    let handle = db.database.clone();
    let closing = tokio::spawn(async move { handle.close().await });
    settle().await;
    set(&txn, "a", 7).await.unwrap();
    txn.commit().await.unwrap();
    closing.await.unwrap().unwrap();
    let error = db.begin_write().await.unwrap_err();
    assert_eq!(fault(&error), sql::Fault::Unavailable);
}

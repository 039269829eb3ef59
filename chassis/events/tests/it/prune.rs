//! Facts that are gone, and cursors from before them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clock::Manual;
use events::{Next, WatchError, outbox};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sql::{Database, Engine};
use testkit::both_engines;
use testkit::database::TestDatabase;

use crate::outbox::page;
use crate::{ALL, Follower, execute, fact, next, on, push, start, write};

#[both_engines]
async fn pruning_deletes_the_oldest_alone_however_many(engine: Engine) {
    let db = on(engine).await;
    let (clock, manual) = Manual::new(start());
    let txn = db.begin_write().await.unwrap();
    for version in 1..=1500 {
        push(&txn, &clock, fact("old", version)).await.unwrap();
    }
    manual.set(start() + TimeDelta::seconds(1));
    push(&txn, &clock, fact("young", 1)).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(outbox::prune(&db, start(), None).await.unwrap(), 1500);
    assert_eq!(outbox::prune(&db, start(), None).await.unwrap(), 0);
    let left = page(&db, None).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].key, "young");

    // Positions are never given out twice, or a cursor would point at another fact.
    assert_eq!(outbox::prune(&db, clock.now(), None).await.unwrap(), 1);
    let txn = db.begin_write().await.unwrap();
    push(&txn, &clock, fact("next", 1)).await.unwrap();
    txn.commit().await.unwrap();
    let after = page(&db, Some(left[0].cursor)).await;
    assert_eq!(after.len(), 1);
}

/// What somebody has still to hear stays, however old, and a place of another history says nothing.
#[both_engines]
async fn pruning_stops_before_what_was_not_heard(engine: Engine) {
    let (db, other) = tokio::join!(on(engine), on(engine));
    let (clock, _manual) = Manual::new(start());
    for of in [&db, &other] {
        let txn = of.begin_write().await.unwrap();
        for version in 1..=3 {
            push(&txn, &clock, fact("k", version)).await.unwrap();
        }
        txn.commit().await.unwrap();
    }
    let foreign = page(&other, None).await[2].cursor;
    assert_eq!(outbox::prune(&db, start(), Some(foreign)).await.unwrap(), 0);
    let heard = page(&db, None).await[1].cursor;
    let mut gone = 0;
    while gone < 2 {
        gone += outbox::prune(&db, start(), Some(heard)).await.unwrap();
    }
    let left = page(&db, None).await;
    assert_eq!((left.len(), left[0].version), (1, 3));
    assert_eq!(outbox::prune(&db, start(), Some(heard)).await.unwrap(), 0);
}

/// Only what no slower transaction can overtake goes, or a place would be noted as pruned up to
/// which facts are still to come.
#[tokio::test]
async fn pruning_stops_before_what_may_be_overtaken_on_postgres() {
    let db = on(Engine::Postgres).await;
    let (clock, _manual) = Manual::new(start());
    let slow = db.begin_write().await.unwrap();
    write(&slow, &clock, fact("slow", 1)).await;
    let txn = db.begin_write().await.unwrap();
    push(&txn, &clock, fact("fast", 1)).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(outbox::prune(&db, start(), None).await.unwrap(), 0);
    slow.commit().await.unwrap();
    assert_eq!(page(&db, None).await.len(), 2);
    prune_all(&db, start(), 2).await;
}

/// Prunes until so many facts are gone: a transaction of another test on the same server may hold
/// them back for a moment.
async fn prune_all(db: &Database, before: DateTime<Utc>, facts: u64) {
    let mut gone = 0;
    for _ in 0..500 {
        gone += outbox::prune(db, before, None).await.unwrap();
        if gone == facts {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("only {gone} of {facts} facts were pruned");
}

/// The writer has read what pruning writes, and writes where pruning reads: of two transactions that
/// are serializable one would have to try again.
#[tokio::test]
async fn pruning_is_in_no_writers_way_on_postgres() {
    let db = on(Engine::Postgres).await;
    let follower = Follower::new(&db);
    for version in 1..=3 {
        follower.commit("old", version).await;
    }
    follower.manual.set(start() + TimeDelta::days(9));
    let writer = db.begin_write().await.unwrap();
    let read = "select pruned_position from outbox_state";
    let read = Statement::from_string(DbBackend::Postgres, read);
    writer.query_all_raw(read).await.unwrap();
    prune_all(&db, start(), 3).await;
    write(&writer, &follower.clock, fact("young", 1)).await;
    writer.commit().await.unwrap();
    assert_eq!(page(&db, None).await.len(), 1);
}

/// Facts, and the cursors behind each of them.
async fn three(db: &TestDatabase) -> (Follower, [String; 4]) {
    let follower = Follower::new(db);
    let mut watch = follower.watch(None).await;
    let mut cursors = vec![watch.cursor().to_string()];
    for version in 1..=3 {
        follower.commit("k", version).await;
        assert_eq!(next(&mut watch).await, format!("k {version}"));
        cursors.push(watch.cursor().to_string());
    }
    (follower, cursors.try_into().unwrap())
}

async fn is_refused(follower: &Follower, cursor: &str) -> bool {
    match follower.tail.watch(ALL, cursor).await {
        Ok(_) => false,
        Err(WatchError::Expired) => true,
        Err(error) => panic!("{error}"),
    }
}

/// However young it is: a clock that was wrong for a while prunes what is needed.
///
/// row: X6
#[both_engines]
async fn a_cursor_from_before_what_was_pruned_is_refused_and_one_behind_it_resumes(engine: Engine) {
    let db = on(engine).await;
    let (follower, [first, second, third, last]) = three(&db).await;
    let old = "update outbox set at = '2020-01-01T00:00:00+00:00' where version < 3";
    execute(&db, old).await;
    prune_all(&db, start() - TimeDelta::days(1), 2).await;
    assert!(is_refused(&follower, &first).await);
    assert!(is_refused(&follower, &second).await);
    let mut resumed = follower.tail.watch(ALL, &third).await.unwrap();
    assert_eq!(next(&mut resumed).await, "k 3");

    // Nothing is left, and the end is where it was.
    prune_all(&db, start(), 1).await;
    assert!(is_refused(&follower, &third).await);
    let anew = Follower::new(&db);
    let fresh = anew.watch(None).await.cursor().to_string();
    for (cursor, version) in [(&last, 1), (&fresh, 2)] {
        let mut resumed = anew.tail.watch(ALL, cursor).await.unwrap();
        anew.commit("later", version).await;
        next(&mut resumed).await;
    }
}

/// row: X6
#[both_engines]
async fn a_watcher_that_catches_up_is_told_when_facts_are_pruned_before_it_heard_them(
    engine: Engine,
) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let cursor = follower.watch(None).await.cursor();
    let txn = db.begin_write().await.unwrap();
    for version in 1..=500 {
        push(&txn, &follower.clock, fact("k", version))
            .await
            .unwrap();
    }
    txn.commit().await.unwrap();
    page(&db, None).await; // no transaction of another test holds them back
    let mut watch = follower.watch(Some(cursor)).await;
    assert_eq!(next(&mut watch).await, "k 1");
    prune_all(&db, start(), 500).await;
    let error = loop {
        match watch.next().await {
            Ok(Next::Event(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, WatchError::Expired), "{error}");
}

/// As a machine that slept for a week finds it.
///
/// row: X6
#[both_engines]
async fn a_tail_whose_place_was_pruned_ends_its_watches_with_the_same_error(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let mut watch = follower.watch(None).await;
    follower.commit("k", 1).await;
    assert_eq!(next(&mut watch).await, "k 1");
    let gone = "update outbox_state set pruned_transaction_id = pruned_transaction_id + 4000000000000000000,
        pruned_position = 4000000000000000000";
    let back = "update outbox_state set pruned_transaction_id = 0, pruned_position = 0";
    execute(&db, gone).await;
    follower.manual.set(start() + TimeDelta::minutes(1));
    let error = tokio::time::timeout(Duration::from_secs(5), watch.next()).await;
    let error = error.expect("the watch ends").unwrap_err();
    assert!(matches!(error, WatchError::Expired), "{error}");

    // Who comes now hears what comes after it.
    execute(&db, back).await;
    let mut watch = follower.watch(None).await;
    follower.commit("k", 2).await;
    assert_eq!(next(&mut watch).await, "k 2");
}

/// row: X6
#[tokio::test]
async fn a_cursor_of_another_outbox_is_refused() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (one, other) = (on(engine).await, on(engine).await);
        let (_, [first, .., last]) = three(&one).await;
        let (follower, [.., own]) = three(&other).await;
        assert!(is_refused(&follower, &first).await);
        assert!(is_refused(&follower, &last).await);
        assert!(!is_refused(&follower, &own).await);
    }
}

/// A copy of the file has the epoch of the file: what was lost shows by places that are not there
/// yet, and later by facts that are younger than the cursor behind them.
///
/// row: X6
#[tokio::test]
async fn a_cursor_from_before_a_restored_copy_is_refused_on_sqlite() {
    let db = on(Engine::Sqlite).await;
    assert_eq!(db.engine(), Engine::Sqlite);
    let (follower, [_, kept, _, lost]) = three(&db).await;
    follower.shutdown.cancel();
    execute(
        &db,
        "delete from outbox where version > 1; update sqlite_sequence set seq = 1",
    )
    .await;
    let follower = Follower::new(&db);
    assert!(is_refused(&follower, &lost).await);
    follower.manual.set(start() + TimeDelta::hours(1));
    for version in 2..=5 {
        follower.commit("k", version).await;
    }
    assert!(is_refused(&follower, &lost).await);
    assert!(!is_refused(&follower, &kept).await);
}

/// Rows that came from another server have numbers of its transactions: cursors of it are refused,
/// and what is told from now on comes after those rows.
///
/// row: X6
#[tokio::test]
async fn a_database_that_was_moved_begins_a_new_epoch_on_postgres() {
    let db = on(Engine::Postgres).await;
    let (follower, [.., last]) = three(&db).await;
    follower.shutdown.cancel();
    let moved = "update outbox set transaction_id = transaction_id + 4000000000000000000;
        update outbox_state set home = 'another server'";
    execute(&db, moved).await;
    let follower = Follower::new(&db);
    assert!(is_refused(&follower, &last).await);
    let mut watch = follower.watch(None).await;
    follower.commit("k", 4).await;
    assert_eq!(next(&mut watch).await, "k 4");
    let versions = page(&db, None).await.into_iter().map(|fact| fact.version);
    assert!(versions.eq(1..=4));
    assert!(!is_refused(&follower, &watch.cursor().to_string()).await);
}

/// Whether anything is gone is known after a move as before it: an auditor misses nothing that was
/// pruned, and everything else.
///
/// row: I6
#[tokio::test]
async fn a_database_that_was_moved_still_knows_that_it_was_pruned_on_postgres() {
    for (facts, pruned) in [(3, 0), (3, 2), (3, 3)] {
        let db = on(Engine::Postgres).await;
        let follower = Follower::new(&db);
        for version in 1..=facts {
            let minute = TimeDelta::minutes(version);
            follower.manual.set(start() + minute);
            follower.commit("k", version).await;
        }
        let until = start() + TimeDelta::minutes(pruned);
        prune_all(&db, until, u64::try_from(pruned).unwrap()).await;
        follower.shutdown.cancel();
        execute(&db, "update outbox_state set home = 'another server'").await;
        let follower = Follower::new(&db);
        let watch = follower.watch(None).await;
        let read = "select pruned_transaction_id = 0 as whole, pruned_position from outbox_state";
        let read = Statement::from_string(DbBackend::Postgres, read);
        let row = db.read().query_one_raw(read).await.unwrap().unwrap();
        assert!(row.try_get::<bool>("", "whole").unwrap());
        assert_eq!(row.try_get::<i64>("", "pruned_position").unwrap(), pruned);
        assert!(!is_refused(&follower, &watch.cursor().to_string()).await);
        let left = outbox::committed(db.read(), 10).await.unwrap();
        let versions = left.into_iter().map(|fact| fact.version);
        assert!(versions.eq(pruned + 1..=facts));
    }
}

/// A service's role owns its database, and need be nothing more.
#[tokio::test]
async fn where_a_database_is_may_be_asked_by_any_role_of_postgres() {
    let db = on(Engine::Postgres).await;
    let txn = db.begin_write().await.unwrap();
    let (clock, _manual) = Manual::new(start());
    let role = format!("plain_{}", clock.id().simple());
    let sql = format!(
        "create role {role}; set local role {role};
         select from pg_control_system(), pg_control_checkpoint(), pg_database"
    );
    txn.execute_unprepared(&sql).await.unwrap();
    txn.rollback().await.unwrap();
}

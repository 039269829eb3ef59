//! Watchers: each fact once and in order, whatever happens in between.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use events::{Cursor, Filter, Next, WatchError};
use futures::future::join_all;
use testkit::{Engine, both_engines};
use uuid::Uuid;

use crate::{ALL, Follower, TOPICS, fact, next, nothing, on, push, start, write};

/// row: D3
#[both_engines]
async fn a_watcher_hears_what_comes_after_it_at_once_and_in_order(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    follower.commit("before", 1).await;
    let mut watch = follower.watch(None).await;
    let start = Instant::now();
    for version in 1..=20 {
        follower.commit("k", version).await;
        assert_eq!(next(&mut watch).await, format!("k {version}"));
    }
    // By far, unless the machine is busy with other tests.
    assert!(start.elapsed() < Duration::from_secs(20));
    nothing(&mut watch).await;
}

/// A commit of another process wakes nobody here, so the tail must look by itself.
///
/// row: D3
#[both_engines]
async fn what_another_replica_commits_is_heard_within_a_second(engine: Engine) {
    let db = on(engine).await;
    let here = Follower::new(&db);
    let there = Follower::new(&db.open().await);
    let mut watch = here.watch(None).await;
    let start = Instant::now();
    for version in 1..=10 {
        there.commit("k", version).await;
        assert_eq!(next(&mut watch).await, format!("k {version}"));
    }
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

/// The transaction that took the lower position commits last: whoever remembers the highest
/// position it saw has lost it.
///
/// row: X6
#[tokio::test]
async fn a_lower_position_that_commits_later_is_not_lost_on_postgres() {
    let db = on(Engine::Postgres).await;
    let follower = Follower::new(&db);
    let mut watch = follower.watch(None).await;
    let slow = db.begin_write().await.unwrap();
    write(&slow, &follower.clock, fact("slow", 1)).await;
    follower.commit("fast", 1).await;
    nothing(&mut watch).await; // it could still be overtaken
    slow.commit().await.unwrap();
    assert_eq!(next(&mut watch).await, "slow 1");
    assert_eq!(next(&mut watch).await, "fast 1");

    // The lower position belongs to the transaction that began last.
    let early = db.begin_write().await.unwrap();
    write(&early, &follower.clock, fact("early", 1)).await;
    let late = db.begin_write().await.unwrap();
    write(&late, &follower.clock, fact("late", 1)).await;
    write(&early, &follower.clock, fact("early", 2)).await;
    early.commit().await.unwrap();
    assert_eq!(next(&mut watch).await, "early 1");
    assert_eq!(next(&mut watch).await, "early 2");
    let cursor = watch.cursor();
    late.commit().await.unwrap();
    assert_eq!(next(&mut watch).await, "late 1");
    let mut resumed = follower.watch(Some(cursor)).await;
    assert_eq!(next(&mut resumed).await, "late 1");
}

/// All databases of a server share their transaction numbers, and one service's long transaction
/// must not hold up another's watchers.
///
/// row: D3
#[tokio::test]
async fn a_transaction_of_another_database_holds_nothing_back() {
    let db = on(Engine::Postgres).await;
    let other = on(Engine::Postgres).await;
    let follower = Follower::new(&db);
    let elsewhere = other.begin_write().await.unwrap();
    write(&elsewhere, &follower.clock, fact("elsewhere", 1)).await;
    let mut watch = follower.watch(None).await;
    follower.commit("k", 1).await;
    assert_eq!(next(&mut watch).await, "k 1");
    elsewhere.rollback().await.unwrap();
}

/// Watchers that come and go by cursor while many write, on both replicas, miss nothing and hear
/// nothing twice.
///
/// row: X6
#[both_engines(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_cut_a_hundred_times_under_load_misses_nothing(engine: Engine) {
    const WRITERS: i64 = 4;
    const FACTS: i64 = 60;
    let db = on(engine).await;
    let replicas = [Follower::new(&db), Follower::new(&db.open().await)];
    let mut cursor = replicas[0].watch(None).await.cursor();
    let writers = (0..WRITERS).map(|writer| {
        let (db, clock) = (db.database.clone(), replicas[0].clock.clone());
        tokio::spawn(async move {
            for version in 1..=FACTS {
                let txn = db.begin_write().await.unwrap();
                let key = writer.to_string();
                push(&txn, &clock, fact(&key, version)).await.unwrap();
                txn.commit().await.unwrap();
            }
        })
    });
    let written = tokio::spawn(join_all(writers));
    let mut heard = vec![0; WRITERS as usize];
    let mut cuts = 0;
    while heard.iter().sum::<i64>() < WRITERS * FACTS {
        let mut watch = replicas[cuts % 2].watch(Some(cursor)).await;
        for _ in 0..1 + cuts % 4 {
            if heard.iter().sum::<i64>() == WRITERS * FACTS {
                break;
            }
            let text = next(&mut watch).await;
            let (writer, version) = text.split_once(' ').unwrap();
            let writer: usize = writer.parse().unwrap();
            heard[writer] += 1;
            assert_eq!(
                version,
                heard[writer].to_string(),
                "by {writer}, after {cuts} cuts"
            );
            cursor = watch.cursor();
        }
        cuts += 1;
    }
    assert!(cuts >= 90, "{cuts}");
    written.await.unwrap();
    nothing(&mut replicas[0].watch(Some(cursor)).await).await;
}

/// row: X6
#[both_engines]
async fn a_cursor_resumes_after_a_restart_by_what_it_saw_alone(engine: Engine) {
    let db = on(engine).await;
    let cursor = {
        let follower = Follower::new(&db);
        let mut watch = follower.watch(None).await;
        for version in 1..=3 {
            follower.commit("k", version).await;
        }
        assert_eq!(next(&mut watch).await, "k 1");
        follower.shutdown.cancel();
        watch.cursor()
    };
    let follower = Follower::new(&db.open().await);
    let mut watch = follower.watch(Some(cursor)).await;
    assert_eq!(next(&mut watch).await, "k 2");
    assert_eq!(next(&mut watch).await, "k 3");
    follower.commit("k", 4).await;
    assert_eq!(next(&mut watch).await, "k 4");
    nothing(&mut watch).await;
}

/// More than one read of the table, and what comes meanwhile follows.
#[both_engines]
async fn a_watcher_far_behind_catches_up_in_order(engine: Engine) {
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
    let mut watch = follower.watch(Some(cursor)).await;
    assert_eq!(next(&mut watch).await, "k 1");
    follower.commit("k", 501).await;
    for version in 2..=501 {
        assert_eq!(next(&mut watch).await, format!("k {version}"));
    }
}

/// row: D3
#[both_engines]
async fn a_filter_lets_its_topic_key_and_subject_through_live_and_resumed(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let filters = [
        ALL,
        Filter {
            topics: &["thing.changed"],
            ..ALL
        },
        Filter {
            key: Some("a".into()),
            ..ALL
        },
        Filter {
            subject: Some(one),
            ..ALL
        },
        Filter {
            key: Some("a".into()),
            subject: Some(other),
            ..ALL
        },
    ];
    let expected: [&[&str]; 5] = [
        &["a 1", "b 1", "a 2"],
        &["a 2"],
        &["a 1", "a 2"],
        &["a 1"],
        &["a 2"],
    ];
    let from = follower.watch(None).await.cursor().to_string();
    let mut live = Vec::new();
    for filter in &filters {
        live.push(follower.tail.watch(filter.clone(), "").await.unwrap());
    }
    let txn = db.begin_write().await.unwrap();
    for (key, version, subject) in [("a", 1, Some(one)), ("b", 1, None), ("a", 2, Some(other))] {
        let fact = events::Fact {
            subject,
            ..fact(key, version)
        };
        push(&txn, &follower.clock, fact).await.unwrap();
    }
    let hidden = events::Fact {
        topic: "other.made",
        ..fact("a", 1)
    };
    push(&txn, &follower.clock, hidden).await.unwrap();
    txn.commit().await.unwrap();
    for ((filter, mut live), expected) in filters.into_iter().zip(live).zip(expected) {
        let mut resumed = follower.tail.watch(filter.clone(), &from).await.unwrap();
        for text in expected {
            assert_eq!(next(&mut live).await, *text, "{filter:?}");
            assert_eq!(next(&mut resumed).await, *text, "{filter:?}");
        }
        nothing(&mut live).await;
        nothing(&mut resumed).await;
    }
}

#[both_engines]
async fn a_watcher_too_slow_hears_256_then_of_a_gap_then_what_follows(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let mut slow = follower.watch(None).await;
    let mut quick = follower.watch(None).await;
    for version in 1..=300 {
        follower.commit("k", version).await;
        assert_eq!(next(&mut quick).await, format!("k {version}"));
    }
    for version in 1..=256 {
        assert_eq!(next(&mut slow).await, format!("k {version}"));
    }
    let Next::Gap { cursor } = slow.next().await.unwrap() else {
        panic!("a gap was expected")
    };
    assert_eq!(cursor.to_string(), quick.cursor().to_string());
    assert_eq!(slow.cursor(), cursor);
    follower.commit("k", 301).await;
    assert_eq!(next(&mut slow).await, "k 301");
}

#[both_engines]
async fn one_of_a_hundred_watchers_leaves_and_the_others_go_on(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let mut watches = Vec::new();
    for _ in 0..100 {
        watches.push(follower.watch(None).await);
    }
    drop(watches.remove(50));
    follower.commit("k", 1).await;
    for watch in &mut watches {
        assert_eq!(next(watch).await, "k 1");
    }
    // All leave, and one who comes later hears what comes after it alone.
    drop(watches);
    follower.commit("k", 2).await;
    let mut watch = follower.watch(None).await;
    follower.commit("k", 3).await;
    assert_eq!(next(&mut watch).await, "k 3");
}

#[both_engines]
async fn a_cursor_expires_after_seven_days_and_silence_keeps_one_young(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let mut watch = follower.watch(None).await;
    let old = watch.cursor().to_string();
    let just_before = start() + TimeDelta::days(7) - TimeDelta::microseconds(1);
    follower.manual.set(just_before);
    follower.tail.watch(ALL, &old).await.unwrap();
    follower.manual.set(start() + TimeDelta::days(7));
    let expired = follower.tail.watch(ALL, &old).await;
    assert!(matches!(expired, Err(WatchError::Expired)));

    let start = Instant::now();
    assert!(matches!(watch.next().await.unwrap(), Next::Idle));
    let silence = start.elapsed();
    assert!(silence > Duration::from_secs(14) && silence < Duration::from_secs(17));
    let young = watch.cursor().to_string();
    assert_ne!(young, old);
    follower.tail.watch(ALL, &young).await.unwrap();
}

#[tokio::test]
async fn text_that_is_no_cursor_is_refused() {
    let db = on(Engine::Sqlite).await;
    let follower = Follower::new(&db);
    for text in ["x", "0", "AAAA", "ÄÖÜ", &"A".repeat(10_000)] {
        let refused = follower.tail.watch(ALL, text).await;
        assert!(matches!(refused, Err(WatchError::Invalid(_))), "{text}");
    }
}

/// row: O12
#[both_engines]
async fn shutting_down_ends_every_watch_with_a_cursor_to_resume_from(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let mut watch = follower.watch(None).await;
    let waiting = tokio::spawn(async move {
        let error = watch.next().await.unwrap_err();
        (error, watch.cursor())
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    follower.shutdown.cancel();
    let (error, cursor): (WatchError, Cursor) = waiting.await.unwrap();
    assert!(matches!(error, WatchError::Closing));
    tokio::task::yield_now().await;
    let refused = follower.tail.watch(ALL, "").await;
    assert!(matches!(refused, Err(WatchError::Closing)));

    follower.commit("k", 1).await;
    let next_start = Follower::new(&db);
    let mut watch = next_start.watch(Some(cursor)).await;
    assert_eq!(next(&mut watch).await, "k 1");
}

/// A cursor from a replica that was ahead must not make this one hand out what it saw.
#[both_engines]
async fn a_cursor_ahead_of_this_replica_hears_nothing_twice(engine: Engine) {
    let db = on(engine).await;
    let ahead = Follower::new(&db);
    let mut first = ahead.watch(None).await;
    let behind = Follower::new(&db.open().await);
    let _keeps_its_head = behind.watch(None).await;
    ahead.commit("k", 1).await;
    assert_eq!(next(&mut first).await, "k 1");
    let mut resumed = behind.watch(Some(first.cursor())).await;
    nothing(&mut resumed).await;
    ahead.commit("k", 2).await;
    assert_eq!(next(&mut resumed).await, "k 2");
}

#[both_engines]
async fn dropping_the_future_of_next_loses_nothing(engine: Engine) {
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let mut watch = follower.watch(None).await;
    for version in 1..=50 {
        follower.commit("k", version).await;
        for _ in 0..3 {
            // Polled at least once, and dropped wherever it stands.
            let mut waiting = Box::pin(watch.next());
            let polled = futures::poll!(&mut waiting);
            if polled.is_ready() {
                break;
            }
        }
    }
    let heard = watch.cursor();
    let mut resumed = follower.watch(Some(heard)).await;
    let (mut rest, mut again) = (Vec::new(), Vec::new());
    while let Ok(Ok(Next::Event(fact))) =
        tokio::time::timeout(Duration::from_millis(400), watch.next()).await
    {
        rest.push(fact.version);
    }
    while let Ok(Ok(Next::Event(fact))) =
        tokio::time::timeout(Duration::from_millis(400), resumed.next()).await
    {
        again.push(fact.version);
    }
    assert_eq!(rest, again);
    assert_eq!(rest.last().copied().unwrap_or(50), 50);
}

#[test]
fn the_topics_of_these_tests_are_of_one_kind() {
    assert!(TOPICS.iter().all(|topic| topic.starts_with("thing.")));
}

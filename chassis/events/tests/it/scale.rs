//! What a fact costs where many watch for others.

use std::time::Duration;

use events::{Filter, Watch, outbox as facts};
use telemetry::metrics::Handle;
use testkit::{Engine, both_engines};
use uuid::Uuid;

use crate::{ALL, Follower, fact, next, on, push, start, write};

const OTHERS: u128 = 10_000;

/// Returns a metric as it is scraped.
fn metric(metrics: &Handle, name: &str) -> f64 {
    let text = metrics.render();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}{{")));
    let value = line.and_then(|line| line.rsplit(' ').next());
    value.map_or(0.0, |value| value.parse().expect("a number"))
}

fn visited(metrics: &Handle) -> u64 {
    metric(metrics, "event_watchers_visited_total") as u64
}

async fn others(follower: &Follower, of: impl Fn(u128) -> Filter) -> Vec<Watch> {
    let mut watches = Vec::new();
    for number in 0..OTHERS {
        watches.push(follower.tail.watch(of(number), "").await.unwrap());
    }
    watches
}

/// Half of the others wait for one thing each, half for one person each.
///
/// row: D3, R-16
#[both_engines]
async fn a_fact_visits_those_who_may_want_it_and_none_of_ten_thousand_others(engine: Engine) {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let others = others(&follower, |number| match number % 2 {
        0 => Filter {
            key: Some(format!("other {number}")),
            ..ALL
        },
        _ => Filter {
            subject: Some(Uuid::from_u128(1000 + number)),
            ..ALL
        },
    })
    .await;
    let person = Uuid::from_u128(1);
    let wanted = [
        Filter {
            key: Some("k".into()),
            ..ALL
        },
        Filter {
            subject: Some(person),
            ..ALL
        },
        ALL,
    ];
    let mut watches = Vec::new();
    for filter in wanted {
        watches.push(follower.tail.watch(filter, "").await.unwrap());
    }
    let before = visited(&metrics);
    for version in 1..=10 {
        let fact = events::Fact {
            subject: Some(person),
            ..fact("k", version)
        };
        let txn = db.begin_write().await.unwrap();
        push(&txn, &follower.clock, fact).await.unwrap();
        txn.commit().await.unwrap();
    }
    for watch in &mut watches {
        for version in 1..=10 {
            assert_eq!(next(watch).await, format!("k {version}"));
        }
    }
    assert_eq!(visited(&metrics) - before, 3 * 10);

    // Those who left are visited no more, and the others are still there.
    drop(watches);
    follower.commit("k", 11).await;
    let mut one = { others }.swap_remove(0);
    follower.commit("other 0", 1).await;
    assert_eq!(next(&mut one).await, "other 0 1");
    assert_eq!(visited(&metrics) - before, 3 * 10 + 1);
}

/// row: O5
#[both_engines]
async fn rows_and_the_age_of_the_oldest_are_told(engine: Engine) {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let db = on(engine).await;
    let follower = Follower::new(&db);
    let told = async || {
        facts::measure(&db, follower.clock.now()).await.unwrap();
        (
            metric(&metrics, "outbox_rows"),
            metric(&metrics, "outbox_oldest_seconds"),
        )
    };
    assert_eq!(told().await, (0.0, 0.0));
    for version in 1..=3 {
        follower.commit("k", version).await;
        follower.manual.advance(Duration::from_secs(60));
    }
    assert_eq!(told().await, (3.0, 180.0));
    let pruned = async {
        while told().await != (2.0, 120.0) {
            facts::prune(&db, start(), None).await.unwrap();
        }
    };
    let pruned = tokio::time::timeout(Duration::from_secs(10), pruned);
    pruned.await.expect("nothing holds the facts for long");
}

/// A slow transaction holds back what was committed after it began, and the tail hands out nothing.
///
/// row: O5
#[tokio::test]
async fn the_lag_of_what_is_held_back_is_told_on_postgres() {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let db = on(Engine::Postgres).await;
    let follower = Follower::new(&db);
    let mut watch = follower.watch(None).await;
    let lag = async |wanted: f64| {
        let told = async {
            while metric(&metrics, "outbox_lag_seconds") < wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(10), told).await;
        told.expect("the lag is told");
    };
    let slow = db.begin_write().await.unwrap();
    write(&slow, &follower.clock, fact("slow", 1)).await;
    follower.commit("fast", 1).await;
    follower.manual.advance(Duration::from_secs(60));
    lag(60.0).await;
    slow.commit().await.unwrap();
    assert_eq!(next(&mut watch).await, "slow 1");
    assert_eq!(next(&mut watch).await, "fast 1");
}

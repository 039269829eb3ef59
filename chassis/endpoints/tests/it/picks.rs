//! Which replica a call goes to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use endpoints::{Choice, Endpoints, Source, Standing};

use crate::registry::{EJECTION, all, set, standings};

type Busy = Endpoints<Arc<Mutex<usize>>>;

fn of(hosts: &[&str]) -> Busy {
    set(Source::Several(all(hosts)))
}

fn choice(random: u64) -> Choice<'static> {
    Choice {
        random: random.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        not: None,
        repeatable: true,
    }
}

/// How often each was picked, of calls that are over at once.
async fn shares(set: &Busy) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for random in 0..1000 {
        let picked = set.pick(choice(random), |busy| *busy.lock().unwrap());
        let host = picked.await.unwrap().address().host().to_owned();
        *shares.entry(host).or_default() += 1;
    }
    shares
}

async fn lose(set: &Busy, host: &str) {
    let others = |busy: &Arc<Mutex<usize>>| *busy.lock().unwrap();
    for random in 0.. {
        let mut picked = set.pick(choice(random), others).await.unwrap();
        if picked.address().host() == host {
            return picked.lost();
        }
    }
}

/// row: G7, L6
#[tokio::test]
async fn the_less_busy_of_two_is_asked() {
    let set = of(&["a", "b", "c"]);
    let even = shares(&set).await;
    assert!(even.values().all(|share| *share > 280), "{even:?}");
    // The busiest of three is never less busy than another.
    let mut busy = 3;
    set.each(|_, _, load| {
        *load.lock().unwrap() = busy;
        busy -= 1;
    });
    let shares = shares(&set).await;
    assert_eq!(shares.get("a"), None, "{shares:?}");
    assert!(shares["c"] > shares["b"] && shares["b"] > 280, "{shares:?}");
}

/// row: G7
#[tokio::test(start_paused = true)]
async fn one_that_is_lost_is_left_alone_and_then_probed_by_one_call() {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let set = of(&["a", "b"]);
    let shown = |state: &str, count: usize| {
        let line = format!("rpc_client_endpoints{{target=\"order\",state=\"{state}\"}} {count}\n");
        let text = metrics.render();
        assert!(text.contains(&line), "{line} in {text}");
    };
    shown("ready", 2);
    let begun = tokio::time::Instant::now();
    lose(&set, "a").await;
    assert_eq!(standings(&set)[0].1, Standing::Ejected(begun + EJECTION));
    shown("ready", 1);
    shown("ejected", 1);
    assert_eq!(shares(&set).await["b"], 1000);
    tokio::time::advance(EJECTION).await;
    // A call that cannot be repeated is spared.
    let spared = Choice {
        repeatable: false,
        ..choice(1)
    };
    let picked = set.pick(spared, |_| 0).await.unwrap();
    assert_eq!(picked.address().host(), "b");
    let mut probe = set.pick(choice(1), |_| 0).await.unwrap();
    assert_eq!(probe.address().host(), "a");
    assert_eq!(shares(&set).await["b"], 1000, "one probe at a time");
    probe.reached();
    shown("ready", 2);
    shown("ejected", 0);
    assert_eq!(shares(&set).await.len(), 2);
}

/// row: G7
#[tokio::test(start_paused = true)]
async fn where_all_are_lost_all_are_asked() {
    let set = of(&["a", "b"]);
    lose(&set, "a").await;
    lose(&set, "b").await;
    assert_eq!(shares(&set).await.len(), 2);
    tokio::time::advance(Duration::from_secs(1)).await;
    let mut picked = set.pick(choice(0), |_| 0).await.unwrap();
    let back = picked.address().host().to_owned();
    picked.reached();
    assert_eq!(
        shares(&set).await[&back],
        1000,
        "it answered before its time"
    );
}

/// row: G7
#[tokio::test]
async fn a_call_is_tried_again_elsewhere() {
    let set = of(&["a", "b"]);
    for random in 0..100 {
        let first = set.pick(choice(random), |_| 0).await.unwrap();
        let again = Choice {
            not: Some(first.address()),
            ..choice(random)
        };
        assert!(set.has_another(first.address()));
        let second = set.pick(again, |_| 0).await.unwrap();
        assert_ne!(second.address(), first.address());
    }
    let alone = of(&["a"]);
    let first = alone.pick(choice(0), |_| 0).await.unwrap();
    let again = Choice {
        not: Some(first.address()),
        ..choice(0)
    };
    assert!(!alone.has_another(first.address()));
    assert!(alone.pick(again, |_| 0).await.is_some());
}

/// With the setting off nobody is left alone.
#[tokio::test]
async fn ejection_may_be_off() {
    let kept = Source::Several(all(&["a", "b"]));
    let set = Endpoints::new("order", kept, None, |_| ());
    let mut picked = set.pick(choice(0), |()| 0).await.unwrap();
    picked.lost();
    assert!(
        standings(&set)
            .iter()
            .all(|(_, one)| *one == Standing::Ready)
    );
}

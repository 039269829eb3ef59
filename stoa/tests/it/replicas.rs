//! A service with two processes behind the gateway, of which one hangs, and one dies.

mod orders;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::fleet::Fleet;
use crate::shop::Door;

const SEARCH: &str = "catalog.v1.CatalogService/ListProducts";
const CALLERS: usize = 8;
/// How long a replica is left alone here.
const EJECTION: Duration = Duration::from_secs(2);
/// From the moment at which a replica hangs until nobody waits for it any more.
const NOTICED_MAX: Duration = Duration::from_secs(2);
/// What an answer of the other may take, on a busy machine.
const ANSWERED_MAX: Duration = Duration::from_secs(2);
const IN_TIME: Duration = Duration::from_secs(20);

/// row: G7, L5, L6, R3, R10
#[tokio::test]
async fn two_replicas_share_the_calls_and_one_carries_them_alone() {
    let (mut fleet, _server, _) = Fleet::start_replicated("catalog").await;
    let one = fleet.admin("catalog").await;
    let (door, mut second) = fleet.replica_apart("catalog").await;
    let two = fleet.admin("catalog").await;
    let both = [fleet.door("catalog"), door].map(|door| door.origin.replace("http://", ""));
    let variables = [
        (
            "STOA_PEERS__CATALOG",
            format!("static://{}", both.join(",")),
        ),
        ("STOA_PEERS__CATALOG__EJECTION", "2s".to_owned()),
        ("STOA_PEERS__USER__TIMEOUT", "4s".to_owned()),
        ("STOA_PEERS__USER__ATTEMPTS", "1".to_owned()),
        ("STOA_PEERS__USER__BULKHEAD", "true".to_owned()),
        ("STOA_PEERS__ORDER__BREAKER", "false".to_owned()),
    ];
    fleet.restart_with("gateway", &variables).await;
    let gateway = fleet.gateway.clone();
    let admin = fleet.admin("gateway").await;
    shows_what_is_set(&admin).await;
    // And for the one who asks it for money.
    let shown = fleet.admin("order").await.get("/peers").await.json();
    assert_eq!(shown["payment"]["attempts"], 3, "{shown}");

    for _ in 0..200 {
        assert_eq!(ask(&gateway).await, "ok");
    }
    let shares = [searches(&one).await, searches(&two).await];
    assert!(shares.iter().all(|share| *share > 60), "{shares:?}");
    assert_eq!(shares.iter().sum::<usize>(), 200, "each call once");

    let calls = under_load(&gateway, async {
        second.pause();
        until_state(&admin, "ejected").await;
    });
    let calls = calls.await;
    let slow = calls.iter().filter(|call| call.took() > ANSWERED_MAX);
    let slow: Vec<_> = slow.map(|call| call.took()).collect();
    println!(
        "of {} calls {} waited for who hung: {slow:?}",
        calls.len(),
        slow.len()
    );
    assert!(slow.len() * 20 < calls.len(), "{slow:?}");
    let longest = calls.iter().map(Call::took).max();
    assert!(longest < Some(NOTICED_MAX + ANSWERED_MAX), "{longest:?}");

    second.resume();
    until_ready(&gateway, &admin).await;
    let calls = under_load(&gateway, async {
        second.kill();
        let killed = Instant::now();
        until_state(&admin, "ejected").await;
        assert!(killed.elapsed() < Duration::from_secs(1));
        // It is probed while it is away, and nobody notices.
        sleep(EJECTION * 2).await;
    });
    let longest = calls.await.iter().map(Call::took).max();
    assert!(longest < Some(ANSWERED_MAX), "{longest:?}");
}

/// Each setting by itself, and every breaker from the start.
async fn shows_what_is_set(admin: &Door) {
    let shown = admin.get("/peers").await.json();
    let endpoints = shown["catalog"]["endpoints"].as_array().expect("a list");
    assert_eq!(endpoints.len(), 2, "{shown}");
    assert!(endpoints.iter().all(|one| one["state"] == "ready"));
    assert_eq!(shown["catalog"]["ejection_seconds"], 2.0);
    assert_eq!(shown["catalog"]["breaker"]["state"], "closed");
    assert_eq!(shown["catalog"]["bulkhead"], Value::Null);
    assert_eq!(shown["catalog"]["attempts"], 3);
    assert_eq!(shown["user"]["timeout_seconds"], 4.0);
    assert_eq!(shown["user"]["attempts"], 1);
    assert_eq!(shown["user"]["bulkhead"]["calls_max"], 400);
    assert_eq!(shown["order"]["breaker"], Value::Null);
    assert_eq!(shown["payment"]["timeout_seconds"], 3.0);
    assert_eq!(shown["payment"]["attempts"], 3);
    assert_eq!(shown["recommendation"]["timeout_seconds"], 1.0);
    assert_eq!(shown["recommendation"]["attempts"], 1);
    assert_eq!(shown["inventory"]["repeats_left"], 100);
    let text = admin.get("/metrics").await.bytes;
    let text = String::from_utf8_lossy(&text);
    for line in [
        "circuit_state{target=\"catalog\"} 0",
        "circuit_state{target=\"inventory\"} 0",
        "rpc_client_endpoints{target=\"catalog\",state=\"ready\"} 2",
        "rpc_client_endpoints{target=\"catalog\",state=\"ejected\"} 0",
    ] {
        assert!(
            text.lines().any(|shown| shown == line),
            "no {line} in {text}"
        );
    }
    assert!(
        !text.contains("circuit_state{target=\"order\"}"),
        "it has none"
    );
}

async fn ask(gateway: &Door) -> String {
    gateway.call(SEARCH, json!({"pageSize": 3})).await.code()
}

/// How often a replica was asked, as it counts.
pub async fn searches(admin: &Door) -> usize {
    let text = admin.get("/metrics").await.bytes;
    let text = String::from_utf8_lossy(&text);
    let counts = text.lines().filter(|line| {
        line.starts_with("rpc_server_call_duration_seconds_count{") && line.contains("ListProducts")
    });
    let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    counts.sum()
}

struct Call {
    began: Instant,
    ended: Instant,
}

impl Call {
    fn took(&self) -> Duration {
        self.ended - self.began
    }
}

/// Callers that never rest, while something happens and for a while after; none of their calls fails.
async fn under_load(gateway: &Door, happens: impl Future<Output = ()>) -> Vec<Call> {
    let stop = AtomicBool::new(false);
    let load = join_all((0..CALLERS).map(|_| async {
        let mut calls = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            assert_eq!(ask(gateway).await, "ok", "after {:?}", began.elapsed());
            let ended = Instant::now();
            calls.push(Call { began, ended });
        }
        calls
    }));
    let story = async {
        sleep(Duration::from_millis(500)).await;
        happens.await;
        sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (calls, ()) = tokio::join!(load, story);
    calls.into_iter().flatten().collect()
}

async fn state(admin: &Door) -> Value {
    let shown = admin.get("/peers").await.json();
    shown["catalog"]["endpoints"][1]["state"].clone()
}

async fn until_state(admin: &Door, wanted: &str) {
    let begun = Instant::now();
    while state(admin).await != wanted {
        assert!(begun.elapsed() < NOTICED_MAX, "not {wanted}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// It takes a call to find out.
async fn until_ready(gateway: &Door, admin: &Door) {
    let begun = Instant::now();
    while state(admin).await != "ready" {
        assert!(begun.elapsed() < IN_TIME, "it is not asked again");
        assert_eq!(ask(gateway).await, "ok");
    }
}

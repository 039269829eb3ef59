//! A peer answers five seconds late while many ask: whoever waits is told when his time is over, whoever is one too
//! many is told at once, and nothing piles up.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::attacks::resident_kib;
use crate::fleet::Fleet;
use crate::shop::{Customer, Door, stoa};

const READ: &str = "order.v1.OrderService/GetOrder";
/// What is told by the wall before the peer, and by nothing else that refuses: its code, and a part of its words.
const FULL: &str = "resource_exhausted at the wall";
const FULL_SAYS: &str = "wait for order";
const PEOPLE: u8 = 20;
/// As often as the row says.
const PER_SECOND: u32 = 500;
/// As often as a debug build answers whatever else goes on; more than may be out at once all the same.
const PER_SECOND_SMALL: u32 = 250;
const FOR: Duration = Duration::from_secs(6);
const DEADLINE: Duration = Duration::from_secs(1);
const LATE_MAX: Duration = Duration::from_millis(1_100);
const REFUSED_MAX: Duration = Duration::from_millis(150);
const IN_FLIGHT_MAX: usize = 128;
const GROWTH_MAX_KIB: u64 = 64 << 10;

struct Asked {
    took: Duration,
    code: String,
}

/// row: R-12, R4
#[tokio::test]
async fn a_late_peer_holds_up_as_many_as_it_may_and_the_rest_are_told_at_once() {
    let (late, refused) = tell(PER_SECOND_SMALL).await;
    let middle = |sorted: &[Duration]| sorted[sorted.len() / 2];
    assert!(middle(&late) <= LATE_MAX, "{:?}", middle(&late));
    assert!(middle(&refused) <= REFUSED_MAX, "{:?}", middle(&refused));
}

/// row: R-12, R4
#[tokio::test]
#[ignore = "wants the machine to itself: just full"]
async fn at_full_size_a_late_peer_holds_up_as_many_as_it_may_and_the_rest_are_told_at_once() {
    let (late, refused) = tell(PER_SECOND).await;
    assert!(p99(&late) <= LATE_MAX, "{:?}", p99(&late));
    assert!(p99(&refused) <= REFUSED_MAX, "{:?}", p99(&refused));
}

/// Asks so often for what comes late. Returns how long those took who were told that it did, and those who were refused,
/// in order.
async fn tell(per_second: u32) -> (Vec<Duration>, Vec<Duration>) {
    let limit = IN_FLIGHT_MAX.to_string();
    let settings = [
        ("STOA_RATE_LIMIT", "off"),
        ("STOA_PEERS__ORDER__BULKHEAD__CALLS", &*limit),
        ("STOA_PEERS__ORDER__BULKHEAD__WAITING", "0"),
    ];
    let mut fleet = Fleet::start_with(&settings).await;
    let people = people(&fleet.gateway).await;
    let order = people[0].place("MUG-STR-01", 1, "tok_ok").await.json();
    let order = order["order"]["id"].as_str().expect("an order").to_owned();
    let (admin, late) = (fleet.admin("gateway").await, fleet.admin("order").await);
    let gateway = fleet.processes["gateway"].id();

    // Everybody has a connection before anything is measured.
    let calm = ask(&people, &order, per_second, Duration::from_secs(1)).await;
    assert!(calm.iter().any(|call| call.code == "ok"));
    let port = late.origin.rsplit(':').next().expect("a port").to_owned();
    let arguments = [
        "fault",
        "set",
        "order.GetOrder",
        "--delay",
        "5s",
        "--admin-port",
        &port,
    ];
    let (code, printed) = stoa(&arguments, &[]).await;
    assert_eq!(code, 0, "{printed}");

    let before = resident_kib(gateway);
    let most = most_in_flight(&admin, ask(&people, &order, per_second, FOR));
    let (calls, most) = most.await;
    let grown = resident_kib(gateway).saturating_sub(before);

    let of = |code: &str| {
        let mut took: Vec<Duration> = calls
            .iter()
            .filter(|call| call.code == code)
            .map(|call| call.took)
            .collect();
        took.sort();
        took
    };
    let (late, refused) = (of("deadline_exceeded"), of(FULL));
    println!(
        "{} calls in {FOR:?}: {} late, p99 {:?}; {} refused, p99 {:?}, longest {:?}; {most} in flight; {grown} KiB more",
        calls.len(),
        late.len(),
        p99(&late),
        refused.len(),
        p99(&refused),
        refused.last(),
    );
    assert_eq!(
        late.len() + refused.len(),
        calls.len(),
        "or something else was told"
    );
    let wanted = per_second as usize * FOR.as_secs() as usize;
    assert!(calls.len() * 4 > wanted * 3, "only {} calls", calls.len());
    assert!(late.len() > 3 * IN_FLIGHT_MAX, "{} late", late.len());
    assert!(refused.len() > IN_FLIGHT_MAX, "{} refused", refused.len());
    assert!(
        most <= IN_FLIGHT_MAX && most * 10 > IN_FLIGHT_MAX * 9,
        "{most}"
    );
    assert!(grown <= GROWTH_MAX_KIB, "{grown} KiB");
    (late, refused)
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted[(sorted.len() - 1) * 99 / 100]
}

/// One person from each of several addresses, so that nobody's share is met before the peer's bulkhead.
async fn people(door: &Door) -> Vec<Customer> {
    let mut people = Vec::new();
    for number in 1..=PEOPLE {
        let door = door.used_from(Ipv4Addr::new(127, 0, 2, number));
        people.push(door.sign_up(&format!("asks-{number}@example.test")).await);
    }
    people
}

/// Asks at a steady rate, whatever becomes of those who asked before, and waits until all are told.
async fn ask(people: &[Customer], order: &str, per_second: u32, during: Duration) -> Vec<Asked> {
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for person in people.iter().cycle() {
        ticks.tick().await;
        if begun.elapsed() > during {
            break;
        }
        let mut door = person.door.clone();
        door.within = Some(DEADLINE);
        let message = json!({"orderId": order});
        calls.spawn(async move {
            let asked = Instant::now();
            let answer = door.call(READ, message).await;
            Asked {
                took: asked.elapsed(),
                code: match (answer.code(), answer.json()["message"].as_str()) {
                    (code, Some(said)) if said.contains(FULL_SAYS) => format!("{code} at the wall"),
                    (code, _) => code,
                },
            }
        });
    }
    calls.join_all().await
}

/// The most calls to the peer that were out at once while something goes on.
async fn most_in_flight<T>(admin: &Door, during: impl Future<Output = T>) -> (T, usize) {
    let (over, most) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
    let looking = async {
        while !over.load(Ordering::Relaxed) {
            let shown = admin.get("/peers").await.json();
            let calls = shown["order"]["bulkhead"]["calls"]
                .as_u64()
                .expect("a number");
            most.fetch_max(usize::try_from(calls).expect("few"), Ordering::Relaxed);
            sleep(Duration::from_millis(50)).await;
        }
    };
    let during = async {
        let done = during.await;
        over.store(true, Ordering::Relaxed);
        done
    };
    let (done, ()) = tokio::join!(during, looking);
    (done, most.into_inner())
}

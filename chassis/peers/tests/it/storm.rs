//! Many call a peer that answers nobody, for half a minute, and then it is well again.

use std::sync::Arc;
use std::time::Duration;

use endpoints::BreakerRules;
use peers::{Channel, Policy};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tonic::Code;

use crate::failing::{code, way};
use crate::server::{Server, UNARY};

const PER_SECOND: u32 = 200;
const ILL: Duration = Duration::from_secs(30);
const OPEN: Duration = Duration::from_secs(5);
const BACK_MAX: Duration = Duration::from_secs(6);
/// Until the first calls have had all their tries and the breaker knows.
const NOTICED_MAX: Duration = Duration::from_secs(1);
/// What three tries take that are told at once: the waits between them, a fifth longer at most, and as much again for
/// a machine that is busy.
const THREE_TRIES: Duration = Duration::from_millis(720);
/// So many calls that fail open the breaker.
const FAILURES: f64 = 5.0;
/// Repeats that a budget has at first: ten seconds' worth.
const REPEATS_SAVED: f64 = 100.0;

/// A call: when it ended, and how.
type Ended = (Instant, Code);

/// row: R-11, R1, R6, X7
#[tokio::test]
async fn a_peer_that_is_ill_is_asked_little_and_found_well_soon() {
    let server = Server::start().await;
    let breaker = BreakerRules {
        open_first: OPEN,
        open: OPEN,
        ..BreakerRules::default()
    };
    let channel = way(
        &server,
        Policy {
            breaker: Some(breaker),
            ..Policy::default()
        },
    );

    // One that is full is not ill.
    server.answers([], Code::ResourceExhausted);
    let full = ask(&channel, Duration::from_secs(2)).await;
    assert_eq!(server.seen().keys.len(), full.len());
    assert!(
        full.iter()
            .all(|(_, code)| *code == Code::ResourceExhausted)
    );

    server.answers([], Code::Unavailable);
    let (begun, before) = (Instant::now(), server.seen().keys.len());
    let first = ask(&channel, NOTICED_MAX).await;
    let noticed = server.seen().keys.len() - before;
    let calls = first.len() + ask(&channel, ILL - begun.elapsed()).await.len();
    let tries = server.seen().keys.len() - before;
    let probes = tries - noticed;
    // Until the first five know that they failed everybody else asks too, as often as the budget allows.
    let asking = f64::from(PER_SECOND) * THREE_TRIES.as_secs_f64() + FAILURES;
    let noticed_max = asking * 1.2 + REPEATS_SAVED;
    assert!((noticed as f64) <= noticed_max, "{noticed} tries at first");
    println!(
        "{calls} calls while it was ill: {noticed} tries until it was left alone, {probes} after"
    );
    let may = calls as f64 * 1.2 + 10.0 * ILL.as_secs_f64();
    assert!((tries as f64) < may, "{tries} tries of {calls} calls");
    // One call at a time, each with its tries, as often as the breaker lets one pass.
    let windows = ILL.as_secs_f64() / OPEN.as_secs_f64();
    assert!(
        probes > 0 && probes as f64 <= windows * 3.0,
        "{probes} probes"
    );

    server.answers([], Code::Ok);
    let healed = Instant::now();
    let after = ask(&channel, BACK_MAX + Duration::from_secs(2)).await;
    let back = after
        .iter()
        .filter(|(_, code)| *code == Code::Ok)
        .map(|(at, _)| *at)
        .min();
    let back = back.expect("it is asked again") - healed;
    println!("well again after {back:?}");
    assert!(back <= BACK_MAX, "{back:?}");
    let failed = after
        .iter()
        .filter(|(at, code)| *code != Code::Ok && *at > healed + BACK_MAX);
    assert_eq!(failed.count(), 0);
}

/// Where no breaker stands before a peer the budget of repeats alone keeps its callers from asking thrice.
///
/// row: R-11, R6, X7
#[tokio::test]
async fn a_peer_that_is_ill_and_has_no_breaker_is_asked_within_the_budget() {
    // With the last tries not longer than a budget looks back, so that what it has at first is had once.
    const LONG: Duration = Duration::from_secs(9);
    let server = Server::start().await;
    server.answers([], Code::Unavailable);
    let channel = way(
        &server,
        Policy {
            breaker: None,
            ..Policy::default()
        },
    );
    let calls = ask(&channel, LONG).await.len() as f64;
    let tries = server.seen().keys.len() as f64;
    println!("{calls} calls while it was ill: {tries} tries");
    let may = calls * 1.2 + REPEATS_SAVED;
    assert!(tries <= may, "{tries} tries of {calls} calls");
    assert!(tries >= calls * 1.1, "{tries} tries of {calls} calls");
}

/// Asks at a steady rate, whatever becomes of those who asked before, and waits until all are told.
async fn ask(channel: &Channel, during: Duration) -> Vec<Ended> {
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begun, channel) = (Instant::now(), Arc::new(channel.clone()));
    let mut calls = JoinSet::new();
    while begun.elapsed() < during {
        ticks.tick().await;
        let channel = channel.clone();
        calls.spawn(async move {
            let code = code(&channel, UNARY, &[]).await;
            (Instant::now(), code)
        });
    }
    calls.join_all().await
}

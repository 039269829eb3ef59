//! What stands between a caller and a peer, and in which order.

use std::collections::HashSet;
use std::time::Duration;

use clock::Clock;
use endpoints::BreakerRules;
use futures::future::join_all;
use peers::{Bulkhead, Channel, Policy, fallback};
use telemetry::TraceContext;
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::failing::{code, way};
use crate::server::{Server, UNARY, call, call_of, call_within};

const IN_TIME: Duration = Duration::from_secs(10);

fn walled(calls_max: usize, waiting_max: usize) -> Policy {
    Policy {
        attempts: 1,
        bulkhead: Some(Bulkhead {
            calls_max,
            waiting_max,
        }),
        ..Policy::default()
    }
}

/// A call that stays until the server is told.
async fn stays(server: &Server, channel: &Channel) -> tokio::task::JoinHandle<Code> {
    let (channel, before) = (channel.clone(), server.seen().running());
    let call = tokio::spawn(async move { code(&channel, UNARY, &[("wait", 1)]).await });
    server.until(|seen| seen.running() > before).await;
    call
}

/// fallback → total deadline → bulkhead → breaker → retry → per-try timeout → trace → transport: whatever is further
/// out decides about what is further in, and nothing of the latter is seen before.
///
/// row: R4
#[tokio::test]
async fn each_step_comes_before_the_next() {
    // Fallback before all: within, every failure is seen as one.
    let server = Server::start().await;
    server.answers([], Code::Unavailable);
    let channel = way(&server, Policy::default());
    for _ in 0..6 {
        let answer = match code(&channel, UNARY, &[]).await {
            Code::Ok => Ok("answer"),
            failed => Err(tonic::Status::new(failed, "")),
        };
        let shown = fallback("user", answer, || "instead");
        assert_eq!((shown.value, shown.missing), ("instead", Some("user")));
    }
    // Breaker before retry: a call with its three tries failed once; the sixth was not sent.
    assert_eq!(server.seen().keys.len(), 15);

    // Deadline before bulkhead: who waits there for too long is late, though nobody said so.
    let server = Server::start().await;
    let channel = way(&server, walled(1, 1));
    let first = stays(&server, &channel).await;
    let waits = call_within(&channel, Duration::from_millis(200)).await;
    assert_eq!(waits, Code::DeadlineExceeded);
    assert_eq!(server.seen().keys.len(), 1);
    server.gate.add_permits(1);
    assert_eq!(first.await.unwrap(), Code::Ok);

    // Bulkhead before breaker: who finds no place hears nothing of the breaker.
    let server = Server::start().await;
    let channel = way(&server, walled(2, 0));
    let one = stays(&server, &channel).await;
    server.answers([], Code::Internal);
    for _ in 0..5 {
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Internal);
    }
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable, "open");
    let other = stays(&server, &channel.clone().paced()).await;
    assert_eq!(code(&channel, UNARY, &[]).await, Code::ResourceExhausted);
    server.gate.add_permits(2);
    one.await.unwrap();
    other.await.unwrap();
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable);

    // Retry before the time of a try, and that before the trace: each has its own of both.
    let server = Server::start().await;
    server.answers([Code::Unavailable; 2], Code::Ok);
    let limited = Policy {
        try_timeout: Some(Duration::from_secs(1)),
        ..Policy::default()
    };
    assert_eq!(code(&way(&server, limited), UNARY, &[]).await, Code::Ok);
    let seen = server.seen();
    assert_eq!(seen.timeouts, vec![Some("1000".to_owned()); 3]);
    let parts = |span: &Option<String>| {
        let text = span.clone().unwrap();
        let parts: Vec<&str> = text.split('-').collect();
        (parts[1].to_owned(), parts[2].to_owned())
    };
    let spans: Vec<_> = seen.spans.iter().map(parts).collect();
    assert!(spans.iter().all(|(trace, _)| *trace == spans[0].0));
    let mut ids: Vec<_> = spans.into_iter().map(|(_, span)| span).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "a span for each try");
}

/// The calls that one answer needs belong to one trace, and can be told apart in it.
///
/// row: C4
#[tokio::test]
async fn calls_at_once_are_a_span_each() {
    let (one, other) = (Server::start().await, Server::start().await);
    let cause = TraceContext::root([7; 16], [7; 8]);
    let ways = [&one, &one, &other].map(|server| way(server, Policy::none()));
    let calls = ways.iter().map(|channel| call_of(channel, cause));
    for called in join_all(calls).await {
        called.unwrap();
    }
    let seen = [one, other].map(|server| server.seen().spans);
    let spans: HashSet<_> = seen
        .iter()
        .flatten()
        .map(|text| TraceContext::parse(text.as_deref().unwrap()).unwrap())
        .collect();
    assert_eq!(spans.len(), 3);
    assert!(spans.iter().all(|span| span.trace_id == cause.trace_id));
    assert!(spans.iter().all(|span| span.span_id != cause.span_id));
}

/// row: R7
#[tokio::test]
async fn a_slow_peer_holds_up_so_many_and_no_other() {
    let (slow, well) = (Server::start().await, Server::start().await);
    let there = format!("http://{}", well.address).parse().unwrap();
    let peers = slow.peers("user", Clock::system()).at("order", there);
    let peers = peers.policy("user", walled(10, 10));
    let peers = peers.policy("order", walled(10, 10)).build();
    let (channel, other) = (peers.channel("user"), peers.channel("order"));
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { code(&channel, UNARY, &[("wait", 1)]).await })
        })
        .collect();
    slow.until(|seen| seen.running() == 10).await;
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let refused = call(&channel, UNARY, &[]).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(50));
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(slow.seen().keys.len(), 10);
    assert_eq!(code(&other, UNARY, &[]).await, Code::Ok);
    slow.gate.add_permits(20);
    for call in join_all(waiting).await {
        assert_eq!(call.unwrap(), Code::Ok);
    }
}

/// What the wall lets out is counted by who is asked: a call whose time is over goes on nowhere, and its place is not
/// free before.
///
/// row: R-12, R7
#[tokio::test]
async fn a_late_peer_has_no_more_calls_than_the_wall_lets_out() {
    const ROUNDS: usize = 3;
    const EACH: usize = 30;
    let late = Server::start().await;
    let channel = way(&late, walled(10, 10));
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    for round in 1..=ROUNDS {
        let time = Duration::from_millis(500);
        let calls = (0..EACH).map(|_| call_within(&channel, time));
        let codes = timeout(IN_TIME, join_all(calls)).await.unwrap();
        let of = |code| codes.iter().filter(|told| **told == code).count();
        let told = (of(Code::DeadlineExceeded), of(Code::ResourceExhausted));
        assert_eq!(told, (20, 10), "{codes:?}");
        let seen = timeout(IN_TIME, late.until(|seen| seen.running() == 0)).await;
        let seen = seen.expect("none goes on whose time is over");
        assert!(seen.keys.len() >= round * 10, "they got there");
    }
    assert_eq!(late.seen().most_in_all, 10);
}

/// What a call waits for in our own line says nothing of its peer.
///
/// row: R1, R4
#[tokio::test]
async fn a_peer_is_not_blamed_for_our_line() {
    let server = Server::start().await;
    let policy = Policy {
        breaker: Some(BreakerRules {
            failures_in_a_row: 1,
            ..BreakerRules::default()
        }),
        ..Policy::default()
    };
    let peers = server.peers("user", Clock::system()).policy("user", policy);
    let peers = peers.timeout("user", Duration::from_secs(3)).build();
    let channel = peers.channel("user");
    // All places of all connections are taken, by answers that are longer than is read ahead of who asked.
    let long = join_all((0..400).map(|_| call(&channel, UNARY, &[("bytes", 600 << 10)])));
    let held: Vec<_> = timeout(IN_TIME, long).await.unwrap();
    assert!(held.iter().all(Result::is_ok));
    let late = timeout(IN_TIME, code(&channel, UNARY, &[])).await;
    assert_eq!(late.unwrap(), Code::DeadlineExceeded);
    assert_eq!(server.seen().keys.len(), 400, "it never left");
    drop(held);
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok, "not open");
    // One that did leave, and got no answer, says it.
    let late = code(&channel, UNARY, &[("wait", 1)]).await;
    assert_eq!(late, Code::DeadlineExceeded);
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable, "open");
}

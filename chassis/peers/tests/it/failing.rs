//! Peers that fail: what is tried again, and when they are left alone.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::Clock;
use endpoints::BreakerRules;
use futures::future::join_all;
use http_body_util::BodyExt;
use peers::{Channel, Policy};
use telemetry::metrics::Handle;
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::server::{STREAM, Server, UNARY, call, call_under, call_within};

/// An rpc that changes something, each time anew.
const KEYLESS: &str = "/stoa.user.v1.AuthService/ChangePassword";
pub const MUTATING: &str = "/stoa.user.v1.UserService/CreateUser";
/// How long a breaker is open here.
const OPEN: Duration = Duration::from_secs(1);

/// Its breaker asks again soon, so that a test need not wait long.
fn impatient() -> Policy {
    Policy {
        breaker: Some(BreakerRules {
            open: OPEN,
            ..BreakerRules::default()
        }),
        ..Policy::default()
    }
}

pub fn way(server: &Server, policy: Policy) -> Channel {
    let peers = server.peers("user", Clock::system()).policy("user", policy);
    peers.build().channel("user")
}

/// What is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let config = telemetry::Config {
            format: telemetry::Format::Json,
            filter: "info".to_owned(),
            service: "order".to_owned(),
            version: "1".to_owned(),
            env: "dev".to_owned(),
        };
        let subscriber = telemetry::log::subscriber(&config, Box::new(self.clone()));
        tracing::subscriber::set_default(subscriber.unwrap())
    }

    fn messages_of(&self, peer: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line
        });
        let lines = lines.filter(|line| line["peer"] == peer);
        lines
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// How a call ends, by whichever side.
pub async fn code(channel: &Channel, rpc: &str, headers: &[(&str, usize)]) -> Code {
    match call(channel, rpc, headers).await {
        Err(status) => status.code(),
        Ok(response) => {
            let told = response.headers()["grpc-status"].clone();
            response.into_body().collect().await.unwrap();
            Code::from_bytes(told.as_bytes())
        }
    }
}

fn attempts(metrics: &Handle) -> usize {
    let text = metrics.render();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("rpc_client_attempts_total{target=\"user\"} "));
    line.map_or(0, |count| count.parse().unwrap())
}

/// row: R6, X7
#[tokio::test]
async fn what_may_be_repeated_is_tried_again_under_one_key() {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let server = Server::start().await;
    let channel = way(&server, Policy::default());
    for (rpc, headers, requests, seen) in [
        (UNARY, &[][..], 3, Code::Ok),
        (MUTATING, &[("idempotency-key", 7)][..], 3, Code::Ok),
        (MUTATING, &[][..], 1, Code::Unavailable),
        // It keeps no keys: a second time would be a second effect.
        (KEYLESS, &[("idempotency-key", 7)][..], 1, Code::Unavailable),
        (STREAM, &[("idempotency-key", 7)][..], 1, Code::Unavailable),
    ] {
        let before = (server.seen().keys.len(), attempts(&metrics));
        server.answers([Code::Unavailable; 2], Code::Ok);
        let begun = Instant::now();
        assert_eq!(code(&channel, rpc, headers).await, seen, "{rpc}");
        let keys = &server.seen().keys[before.0..];
        assert_eq!(keys.len(), requests, "{rpc}");
        assert_eq!(attempts(&metrics) - before.1, requests, "{rpc}");
        let own = headers.first().map(|(_, key)| key.to_string());
        assert!(keys.iter().all(|key| *key == own), "{keys:?}");
        // 100 ms and 200 ms, a fifth less at least.
        let waited = begun.elapsed() >= Duration::from_millis(240);
        assert_eq!(waited, requests == 3, "{rpc}");
    }
    for refused in [
        Code::InvalidArgument,
        Code::ResourceExhausted,
        Code::Aborted,
        Code::Internal,
    ] {
        let before = server.seen().keys.len();
        server.answers([], refused);
        assert_eq!(code(&channel, UNARY, &[]).await, refused);
        assert_eq!(server.seen().keys.len() - before, 1, "{refused:?}");
    }
    // Not for ever, and not beyond what the caller has time for.
    server.answers([], Code::Unavailable);
    let before = server.seen().keys.len();
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable);
    assert_eq!(server.seen().keys.len() - before, 3);
}

/// Of three tries of one who tries thrice there would be nine. Nor do these make up keys.
///
/// row: X7
#[tokio::test]
async fn who_asks_again_himself_has_one_try_each_time() {
    let server = Server::start().await;
    let policy = Policy {
        breaker: None,
        ..Policy::default()
    };
    let channel = way(&server, policy);
    server.answers([], Code::Unavailable);
    for (channel, tries) in [
        (channel.clone(), 3),
        (channel.clone().once(), 1),
        (channel.paced(), 1),
    ] {
        for key in ["of-order-1", "of-order-2"] {
            let before = server.seen().keys.len();
            assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable);
            assert_eq!(server.seen().keys[before..], vec![None; tries]);
            let before = server.seen().keys.len();
            call_under(&channel, MUTATING, key).await.unwrap();
            let keys = vec![Some(key.to_owned()); tries];
            assert_eq!(server.seen().keys[before..], keys);
        }
    }
}

/// row: R6
#[tokio::test]
async fn a_connection_that_breaks_costs_no_call_that_may_be_repeated() {
    let server = Server::start().await;
    let channel = way(&server, Policy::default());
    let begun = tokio::spawn({
        let channel = channel.clone();
        async move { code(&channel, UNARY, &[("wait", 1)]).await }
    });
    server.until(|seen| seen.running() == 1).await;
    server.cut();
    server.until(|seen| seen.keys.len() == 2).await;
    server.gate.add_permits(2);
    assert_eq!(begun.await.unwrap(), Code::Ok);
}

/// The budget of repeats: ten seconds' worth of ten, and a fifth of the calls.
///
/// row: R6, X7
#[tokio::test]
async fn a_peer_that_is_away_is_not_asked_thrice_by_everybody() {
    const CALLS: usize = 200;
    let server = Server::start().await;
    server.answers([], Code::Unavailable);
    let policy = Policy {
        breaker: None,
        ..Policy::default()
    };
    let channel = way(&server, policy);
    let calls = join_all((0..CALLS).map(|_| code(&channel, UNARY, &[]))).await;
    assert_eq!(calls, [Code::Unavailable; CALLS]);
    let repeats = server.seen().keys.len() - CALLS;
    assert!((100..=140).contains(&repeats), "{repeats}");
}

/// A call with its repeats counts once; whoever comes after is told when to come back.
///
/// row: R1, R10, C4
#[tokio::test]
async fn a_peer_that_fails_is_left_alone_and_no_other_with_it() {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let (ill, well) = (Server::start().await, Server::start().await);
    let other = well.peers("inventory", Clock::system()).build();
    let other = other.channel("inventory");
    let channel = way(&ill, Policy::default());
    ill.answers([], Code::Unavailable);
    for calls in 1..=5 {
        assert!(
            !metrics
                .render()
                .contains("circuit_state{target=\"user\"} 1")
        );
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable);
        assert_eq!(ill.seen().keys.len(), 3 * calls);
        assert_eq!(code(&other, UNARY, &[]).await, Code::Ok);
    }
    ill.answers([], Code::Ok);
    let mut waits = Vec::new();
    for rpc in [UNARY, STREAM].repeat(10) {
        let begun = Instant::now();
        let refused = call(&channel, rpc, &[]).await.unwrap_err();
        waits.push(begun.elapsed());
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(refused.metadata().get("retry-after").unwrap(), "30");
    }
    waits.sort();
    assert!(waits[10] < Duration::from_millis(1), "{waits:?}");
    assert_eq!(ill.seen().keys.len(), 15);
    assert_eq!(code(&other, UNARY, &[]).await, Code::Ok);
    let text = metrics.render();
    for shown in [
        "circuit_state{target=\"user\"} 1\n",
        "circuit_state{target=\"inventory\"} 0\n",
    ] {
        assert!(text.contains(shown), "{text}");
    }
    // Who paces himself is not kept from it, and says nothing to the others.
    assert_eq!(code(&channel.clone().paced(), UNARY, &[]).await, Code::Ok);
    assert_eq!(code(&channel.once(), UNARY, &[]).await, Code::Unavailable);
    assert_eq!(ill.seen().keys.len(), 16);
}

/// Each repeat is one less, and each fifth call one more.
///
/// row: R3
#[tokio::test]
async fn the_repeats_that_are_left_are_shown() {
    let server = Server::start().await;
    let peers = server.peers("user", Clock::system()).build();
    let channel = peers.channel("user");
    let left = || peers.report()["user"]["repeats_left"].clone();
    assert_eq!(left(), 100);
    for used in [2, 4, 6] {
        server.answers([Code::Unavailable; 2], Code::Ok);
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
        assert_eq!(left(), 100 - used, "{used} were made");
    }
    for _ in 0..2 {
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    }
    assert_eq!(left(), 95);
}

/// Opens the breaker of a peer, and waits until it may be asked again.
async fn half_open(server: &Server, channel: &Channel) {
    server.answers([], Code::Internal);
    for _ in 0..5 {
        assert_eq!(code(channel, UNARY, &[]).await, Code::Internal);
    }
    assert_eq!(code(channel, UNARY, &[]).await, Code::Unavailable);
    server.answers([], Code::Ok);
    tokio::time::sleep(OPEN).await;
}

/// row: R1, R10
#[tokio::test]
async fn a_peer_that_failed_is_asked_by_one_at_a_time() {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let lines = Lines::default();
    let _logging = lines.listen();
    let server = Server::start().await;
    let channel = way(&server, impatient());
    half_open(&server, &channel).await;
    for probe in 1..=2 {
        let calls = join_all((0..20).map(|_| code(&channel, UNARY, &[("wait", 1)])));
        let answered = async {
            server
                .until(|seen| seen.keys.len() == 5 + probe && seen.running() == 1)
                .await;
            let text = metrics.render();
            assert!(
                text.contains("circuit_state{target=\"user\"} 2\n"),
                "{text}"
            );
            server.gate.add_permits(1);
        };
        let (mut codes, ()) = tokio::join!(calls, answered);
        codes.sort_by_key(|code| *code as i32);
        assert_eq!(codes[0], Code::Ok);
        assert_eq!(codes[1..], [Code::Unavailable; 19]);
    }
    let text = metrics.render();
    assert!(
        text.contains("circuit_state{target=\"user\"} 0\n"),
        "{text}"
    );
    let calls = join_all((0..20).map(|_| code(&channel, UNARY, &[]))).await;
    assert_eq!(calls, [Code::Ok; 20]);
    let changes = [
        "A peer fails, it is not asked for a while",
        "A peer that failed is asked again, by one call at a time",
        "A peer that failed is well again",
    ];
    assert_eq!(lines.messages_of("user"), changes);
}

/// row: R1
#[tokio::test]
async fn a_probe_whose_caller_leaves_makes_room_for_the_next() {
    let server = Server::start().await;
    let channel = way(&server, impatient());
    half_open(&server, &channel).await;
    let probe = tokio::spawn({
        let channel = channel.clone();
        async move { code(&channel, UNARY, &[("wait", 1)]).await }
    });
    server.until(|seen| seen.keys.len() == 6).await;
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable);
    probe.abort();
    probe.await.unwrap_err();
    for _ in 0..2 {
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    }
}

/// row: R2
#[tokio::test]
async fn answers_are_no_failures_whatever_they_say() {
    let server = Server::start().await;
    let channel = way(&server, Policy::default());
    for refused in [Code::NotFound, Code::ResourceExhausted, Code::Aborted] {
        server.answers([], refused);
        for _ in 0..10 {
            assert_eq!(code(&channel, UNARY, &[]).await, refused);
        }
    }
    // Of a stream its beginning counts: what breaks off later has begun.
    server.answers([], Code::Ok);
    for _ in 0..10 {
        let begun = call(&channel, STREAM, &[("stay", 1)]).await.unwrap();
        server.cut();
        begun.into_body().collect().await.unwrap_err();
    }
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
}

/// What its caller had no time for is no fault of a peer; what took longer than any call to it may is.
///
/// row: R1
#[tokio::test]
async fn a_peer_is_slow_by_its_own_time() {
    let server = Server::start().await;
    let slow = &[("millis", 60_000)][..];
    let peers = server.peers("user", Clock::system()).policy(
        "user",
        Policy {
            try_timeout: Some(Duration::from_millis(400)),
            ..Policy::default()
        },
    );
    let tries = peers.build().channel("user");
    let peers = server.peers("user", Clock::system());
    let calls = peers.timeout("user", Duration::from_millis(300)).build();
    for channel in [tries, calls.channel("user")] {
        let before = server.seen().keys.len();
        for _ in 0..6 {
            let hurried = call_within(&channel, Duration::from_millis(100));
            assert_eq!(hurried.await, Code::DeadlineExceeded);
        }
        for _ in 0..5 {
            let begun = Instant::now();
            assert_eq!(code(&channel, UNARY, slow).await, Code::DeadlineExceeded);
            assert!(begun.elapsed() >= Duration::from_millis(249));
        }
        assert_eq!(code(&channel, UNARY, slow).await, Code::Unavailable);
        assert_eq!(server.seen().keys.len() - before, 11);
    }
    // A stream has no such time.
    let channel = server.peers("user", Clock::system());
    let channel = channel.timeout("user", Duration::from_millis(100)).build();
    let channel = channel.channel("user");
    let stream = code(&channel, STREAM, &[("millis", 300)]);
    let stream = timeout(Duration::from_secs(4), stream).await;
    assert_eq!(stream.unwrap(), Code::Ok);
}

/// A head that is too long resets its stream alone. Whoever can have a peer send one must not take it from everybody.
///
/// row: R1
#[tokio::test]
async fn an_answer_that_cannot_be_taken_opens_no_breaker() {
    let server = Server::start().await;
    let channel = way(&server, impatient());
    for _ in 0..6 {
        let taken = code(&channel, MUTATING, &[("head", 17 << 10)]).await;
        assert_eq!(taken, Code::Unavailable);
    }
    assert_eq!(server.seen().keys.len(), 6, "each was asked");
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    assert_eq!(server.seen().ever, 1, "all went over one connection");
}

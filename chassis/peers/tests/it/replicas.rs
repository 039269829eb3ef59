//! A peer with several replicas, of which some go and some come.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::Clock;
use endpoints::{Address, Resolve, Source, Unresolved};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use http_body_util::BodyExt;
use peers::{Channel, Peers, Policy};
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::failing::{MUTATING, code};
use crate::server::{STREAM, Server, UNARY, call, peers_at};

const IN_TIME: Duration = Duration::from_secs(10);

fn at(servers: &[&Server]) -> Source {
    let addresses: Vec<String> = servers.iter().map(|one| one.address.to_string()).collect();
    format!("static://{}", addresses.join(",")).parse().unwrap()
}

fn way(source: Source, policy: Policy) -> (Peers, Channel) {
    let peers = peers_at("user", source, Clock::system()).policy("user", policy);
    let peers = peers.build();
    let channel = peers.channel("user");
    (peers, channel)
}

fn asked(server: &Server) -> usize {
    server.seen().keys.len()
}

fn states(peers: &Peers) -> Vec<String> {
    let report = peers.report();
    let endpoints = report["user"]["endpoints"].as_array().unwrap().iter();
    endpoints
        .map(|one| one["state"].as_str().unwrap().to_owned())
        .collect()
}

/// Each has connections of its own.
///
/// row: G7, L6
#[tokio::test]
async fn replicas_share_what_is_asked() {
    let (a, b) = (Server::start().await, Server::start().await);
    let (peers, channel) = way(at(&[&a, &b]), Policy::default());
    for _ in 0..100 {
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    }
    let unary = [asked(&a), asked(&b)];
    assert!(unary.iter().all(|calls| *calls > 30), "{unary:?}");
    let begun = join_all((0..100).map(|_| call(&channel, STREAM, &[("stay", 1)]))).await;
    let streams = [asked(&a) - unary[0], asked(&b) - unary[1]];
    assert!(streams.iter().all(|calls| *calls > 30), "{streams:?}");
    // Who has fewer open gets the next.
    let (open_a, open_b) = (a.seen().running(), b.seen().running());
    assert!(open_a.abs_diff(open_b) <= 4, "{open_a} {open_b}");
    assert_eq!((a.seen().ever, b.seen().ever), (2, 2));
    assert_eq!(states(&peers), ["ready", "ready"]);
    drop(begun);
}

/// row: G7
#[tokio::test]
async fn a_replica_that_dies_costs_no_call_that_may_be_repeated() {
    let (a, b) = (Server::start().await, Server::start().await);
    let policy = Policy {
        ejection: Some(Duration::from_secs(2)),
        ..Policy::default()
    };
    let (peers, channel) = way(at(&[&a, &b]), policy);
    let waiting: Vec<_> = (0..300)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { code(&channel, UNARY, &[("wait", 1)]).await })
        })
        .collect();
    a.until(|seen| seen.running() > 100).await;
    b.until(|seen| seen.running() > 100).await;
    a.die();
    // More than the budget of repeats has: what was lost is nobody's load any more.
    b.until(|seen| seen.running() == 300).await;
    b.gate.add_permits(300);
    for call in waiting {
        assert_eq!(call.await.unwrap(), Code::Ok);
    }
    assert_eq!(states(&peers), ["ejected", "ready"]);
    let before = asked(&b);
    for rpc in [UNARY, MUTATING, STREAM].repeat(20) {
        assert_eq!(code(&channel, rpc, &[]).await, Code::Ok, "{rpc}");
    }
    assert_eq!(asked(&b) - before, 60);
    // One that nobody has reached yet is no loss either, whatever is asked.
    let (_, channel) = way(at(&[&a, &b]), Policy::none());
    for rpc in [UNARY, MUTATING, STREAM].repeat(20) {
        assert_eq!(code(&channel, rpc, &[]).await, Code::Ok, "{rpc}");
    }
}

/// What one refuses another may take.
///
/// row: G7, R6
#[tokio::test]
async fn a_try_that_fails_is_made_again_elsewhere() {
    let (a, b) = (Server::start().await, Server::start().await);
    a.answers([], Code::Unavailable);
    let policy = Policy {
        breaker: None,
        ..Policy::default()
    };
    let (_, channel) = way(at(&[&a, &b]), policy);
    for _ in 0..20 {
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    }
    assert_eq!(asked(&b), 20);
    assert!(asked(&a) > 0, "it is asked, for it answers");
}

#[derive(Debug, Default)]
struct Growing(Mutex<Vec<Address>>);

impl Resolve for Growing {
    fn resolve(&self) -> BoxFuture<'_, Result<Vec<Address>, Unresolved>> {
        async { Ok(self.0.lock().unwrap().clone()) }.boxed()
    }
}

/// row: L1, L6
#[tokio::test]
async fn a_replica_that_comes_gets_its_share() {
    let (a, b) = (Server::start().await, Server::start().await);
    let known = Arc::new(Growing(Mutex::new(vec![a.address.into()])));
    let (peers, channel) = way(Source::Resolved(known.clone()), Policy::default());
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    known.0.lock().unwrap().push(b.address.into());
    let begun = Instant::now();
    while asked(&b) == 0 {
        assert!(begun.elapsed() < IN_TIME);
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(states(&peers), ["ready", "ready"]);
    // One that goes ends what it has, and gets no more.
    let staying = call(&channel, STREAM, &[("wait", 1), ("bytes", 1 << 20)]);
    known.0.lock().unwrap().remove(0);
    while states(&peers).len() > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = asked(&a);
    for server in [&a, &b] {
        server.gate.add_permits(1);
    }
    let body = timeout(IN_TIME, staying)
        .await
        .unwrap()
        .unwrap()
        .into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), 1 << 20);
    for _ in 0..20 {
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok);
    }
    assert_eq!(asked(&a), before);
}

/// Until the first answer of whoever knows, and not for ever.
#[tokio::test]
async fn a_peer_that_nobody_finds_is_unavailable() {
    let (_, channel) = way(Source::Resolved(Arc::<Growing>::default()), Policy::none());
    let answer = timeout(IN_TIME, call(&channel, UNARY, &[])).await.unwrap();
    assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
}

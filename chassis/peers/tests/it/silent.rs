//! A peer that hangs: its connections are made and stand, and nothing ever comes over them.

use std::net::SocketAddr;
use std::time::Duration;

use clock::Clock;
use endpoints::BreakerRules;
use peers::Policy;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Code;

use crate::failing::{MUTATING, code};
use crate::server::{UNARY, peers_at};

/// Takes connections, and says nothing on them.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((io, _)) = listener.accept().await {
            held.push(io);
        }
    });
    address
}

/// What asks whether the peer lives is what finds out: no call is late by that, and each that is out then has failed,
/// also where it is tried again and that hangs too.
///
/// row: R1
#[tokio::test(start_paused = true)]
async fn a_peer_that_gives_no_pong_is_left_alone() {
    // It is asked after 10 s of silence, and has 5 s to answer; who tries again waits for the rest of his time.
    for (rpc, seconds) in [(MUTATING, 15..16), (UNARY, 15..20)] {
        let source = format!("http://{}", silent().await).parse().unwrap();
        let policy = Policy {
            breaker: Some(BreakerRules {
                answers: false, // as between our services
                ..BreakerRules::default()
            }),
            ..Policy::default()
        };
        let peers = peers_at("user", source, Clock::system()).policy("user", policy);
        let peers = peers.build();
        let (channel, begun) = (peers.channel("user"), Instant::now());
        let mut calls = JoinSet::new();
        while peers.report()["user"]["breaker"]["state"] == "closed" {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{rpc}: never seen"
            );
            let channel = channel.clone();
            calls.spawn(async move { code(&channel, rpc, &[]).await });
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let seen = seconds.contains(&begun.elapsed().as_secs());
        assert!(seen, "{rpc}: {:?}", begun.elapsed());
        calls.join_all().await;
        let now = Instant::now();
        assert_eq!(code(&channel, rpc, &[]).await, Code::Unavailable);
        assert_eq!(now.elapsed(), Duration::ZERO, "nobody is asked");
    }
}

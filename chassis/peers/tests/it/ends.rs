//! Connections that end, by either side or by accident.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use axum::body::Body;
use chrono::DateTime;
use clock::{Clock, Manual};
use futures::future::join_all;
use http::Response;
use http_body_util::BodyExt;
use peers::{Channel, Local, Peers};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tonic::Code;

use crate::server::{STREAM, Server, UNARY, call};

const IN_TIME: Duration = Duration::from_secs(4);

/// What runs on it is carried to its end; whatever comes after goes over another.
#[tokio::test]
async fn a_connection_that_is_told_to_end_takes_no_more_calls() {
    for rpc in [UNARY, STREAM] {
        let server = Server::start().await;
        let channel = server.channel();
        let running = tokio::spawn({
            let channel = channel.clone();
            async move { call(&channel, rpc, &[("wait", 1), ("bytes", 1 << 20)]).await }
        });
        server.until(|seen| seen.running() == 1).await;
        server.tell();
        // The first of them may meet the old one, before it has heard.
        for _ in 0..20 {
            let answer = call(&channel, rpc, &[]).await.unwrap();
            answer.into_body().collect().await.unwrap();
        }
        let seen = server.until(|seen| seen.ever > 1).await;
        assert_eq!((seen.open, seen.ever), (2, 2), "{rpc}");
        server.gate.add_permits(1);
        let body = running.await.unwrap().unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 1 << 20);
    }
}

/// Opens streams and leaves each, until one has a connection of its own. Returns it, and how many were left.
async fn wear(server: &Server, channel: &Channel) -> (Response<Body>, u64) {
    let before = server.ever();
    let mut left = 0;
    loop {
        let stream = call(channel, STREAM, &[("stay", 1)]).await.unwrap();
        if server.ever() > before {
            return (stream, left);
        }
        left += 1;
    }
}

/// A server ends a connection that takes back most of what it began, and with it what others have on it.
#[tokio::test]
async fn who_stays_is_not_cut_off_for_those_who_leave() {
    let server = Server::start().await;
    let channel = server.channel();
    let stays = call(&channel, STREAM, &[("stay", 1)]).await.unwrap();
    let since = Instant::now();
    let (next, left) = wear(&server, &channel).await;
    // Half of those begun, a thousand, and twenty a second, less a hundred.
    let seconds = since.elapsed().as_secs();
    assert!((1800..=1802 + 40 * seconds).contains(&left), "{left}");
    drop(stays);
    server.until(|seen| seen.open == 1).await;
    drop(next);
    // Nothing is taken back of what is read to its end.
    for _ in 0..1000 {
        let answer = call(&channel, STREAM, &[]).await.unwrap();
        answer.into_body().collect().await.unwrap();
    }
    assert_eq!(server.seen().ever, 2);
}

/// Else a few who open and leave, and stay on one stream of each connection, fill what a peer takes from one address.
#[tokio::test]
async fn worn_connections_are_few_however_many_stay() {
    const WORN_MAX: usize = 4;
    let server = Server::start().await;
    let channel = server.channel();
    let mut stays = VecDeque::from([call(&channel, STREAM, &[("stay", 1)]).await.unwrap()]);
    for _ in 0..=WORN_MAX {
        let (next, _) = wear(&server, &channel).await;
        stays.push_back(next);
    }
    let seen = server.until(|seen| seen.open == WORN_MAX + 1).await;
    assert_eq!(seen.ever, WORN_MAX + 2);
    // The oldest went, and who was on it hears of it. The others stay.
    let oldest = stays.pop_front().unwrap().into_body();
    let ended = timeout(IN_TIME, oldest.collect()).await.unwrap();
    assert!(ended.is_err());
    for stays in stays {
        let more = timeout(Duration::from_millis(50), stays.into_body().collect()).await;
        assert!(more.is_err(), "it is over");
    }
    call(&channel, UNARY, &[]).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_broke_is_replaced() {
    let server = Server::start().await;
    let channel = server.channel();
    for rpc in [UNARY, STREAM] {
        let running = server.seen().running();
        let begun = tokio::spawn({
            let channel = channel.clone();
            async move { call(&channel, rpc, &[("stay", 1)]).await }
        });
        let open = server.until(|seen| seen.running() > running).await.open;
        server.cut();
        // A stream has begun by then, or not; of another answer nobody is shown the beginning, for whoever had passed it
        // on could say nothing more than hang up.
        match timeout(IN_TIME, begun).await.unwrap().unwrap() {
            Ok(opened) => {
                assert_eq!(rpc, STREAM);
                let broken = opened.into_body().collect();
                timeout(IN_TIME, broken).await.unwrap().unwrap_err();
            }
            Err(status) => assert_eq!(status.code(), Code::Unavailable),
        }
        server.until(|seen| seen.open < open).await;
        call(&channel, rpc, &[]).await.unwrap();
    }
}

/// Each of those who wait for the same connection.
#[tokio::test]
async fn nobody_waits_for_whom_nobody_reaches() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let peers = Peers::builder("gateway", Clock::system(), Local::new())
        .at("user", address.parse().unwrap())
        .signer(std::sync::Arc::new(
            token::SigningKey::generate("gateway").unwrap(),
        ))
        .build();
    let channel = peers.channel("user");
    let calls = join_all((0..300).map(|_| call(&channel, UNARY, &[])));
    for answer in timeout(IN_TIME, calls).await.unwrap() {
        assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
    }
}

/// A peer that takes connections and hangs up gets no stream of attempts.
#[tokio::test]
async fn a_peer_that_hangs_up_at_once_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let counting = tokio::spawn(async move {
        for _ in 0..8 {
            listener.accept().await.unwrap();
        }
    });
    let peers = Peers::builder("gateway", Clock::system(), Local::new())
        .at("user", address.parse().unwrap())
        .signer(std::sync::Arc::new(
            token::SigningKey::generate("gateway").unwrap(),
        ))
        .build();
    let refused = timeout(IN_TIME, call(&peers.channel("user"), UNARY, &[])).await;
    assert_eq!(refused.unwrap().unwrap_err().code(), Code::Unavailable);
    assert!(!counting.is_finished(), "it was tried too often");
}

/// As long as half of its life is left; tokens of different seconds differ.
#[tokio::test]
async fn calls_show_the_same_token_while_it_is_young() {
    let server = Server::start().await;
    let (clock, time) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let channel = server.channel_at(clock);
    for _ in 0..35 {
        call(&channel, UNARY, &[]).await.unwrap();
        time.advance(Duration::from_secs(1));
    }
    let mut shown = server.seen().credentials;
    assert_eq!(shown.len(), 35);
    shown.dedup();
    assert_eq!(shown.len(), 2, "signed at first, and after 30 s");
}

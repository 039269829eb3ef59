//! Deadlines, by whichever header, on both halves.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use call::Role;
use http::Version;
use proto::user::v1::{SignUpRequest, WatchUserRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::client::{Ask, Door, envelope};
use crate::server;

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;

fn header(door: Door, connect: &'static str, grpc: &'static str) -> (&'static str, &'static str) {
    match door {
        Door::ConnectJson | Door::ConnectProto => ("connect-timeout-ms", connect),
        Door::Grpc | Door::GrpcWeb | Door::GrpcWebText => ("grpc-timeout", grpc),
    }
}

/// row: R5, P-04, P5
#[tokio::test]
async fn a_late_answer_is_cut_at_its_time_and_its_handler_with_it() {
    let server = server::start().await;
    for door in Door::ALL {
        let (name, value) = header(door, "300", "300m");
        let began = Instant::now();
        let request = SignUpRequest {
            name: "sleep 2000".to_owned(),
            ..Default::default()
        };
        let answer = Ask::door(server.address, door, SIGN_UP, &request)
            .header(name, value)
            .send()
            .await;
        let took = began.elapsed();
        assert_eq!(answer.code(), "deadline_exceeded", "{door:?}");
        assert!(
            took >= Duration::from_millis(300) && took < Duration::from_secs(1),
            "{door:?} {took:?}"
        );
    }
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), Door::ALL.len());
    assert_eq!(
        server.seen.ended.load(Ordering::SeqCst),
        0,
        "a handler ran on"
    );
}

/// row: P-05
#[tokio::test]
async fn a_header_that_is_no_timeout_is_refused_and_a_vast_one_is_cut() {
    let server = server::start().await;
    for door in Door::ALL {
        let ask = |value: &str| {
            let request = SignUpRequest {
                name: "hello".to_owned(),
                ..Default::default()
            };
            let (name, _) = header(door, "", "");
            Ask::door(server.address, door, SIGN_UP, &request).header(name, value)
        };
        for bad in [
            "-1",
            "x",
            "",
            "12345678901",
            "12345678901S",
            "1.5",
            "1\u{e9}",
            "\u{661}S",
        ] {
            assert_eq!(
                ask(bad).send().await.code(),
                "invalid_argument",
                "{door:?} {bad:?}"
            );
        }
        let (vast, zero) = (
            header(door, "9999999999", "99999999H").1,
            header(door, "0", "0m").1,
        );
        assert_eq!(ask(vast).send().await.code(), "ok", "{door:?}");
        assert_eq!(
            ask(zero).send().await.code(),
            "deadline_exceeded",
            "{door:?}"
        );
    }
}

/// A body that drips in is waited for no longer than its call may take.
///
/// row: S-14, R5
#[tokio::test]
async fn a_slow_body_has_no_longer_than_the_call() {
    let timeouts = edge::Timeouts {
        default: Duration::from_millis(500),
        ..edge::Timeouts::default()
    };
    let config = edge::Config {
        timeouts,
        ..edge::Config::default()
    };
    let server = server::start_with(server::Options {
        config,
        ..server::Options::default()
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST {SIGN_UP} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 100000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let began = Instant::now();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), reader.read_to_end(&mut answer));
    closed.await.expect("it is closed, or waited for ever").ok();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("deadline_exceeded"), "{answer}");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    drip.abort();
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
}

/// row: R5
#[tokio::test]
async fn a_stream_ends_at_its_deadline_with_an_error() {
    let server = server::start().await;
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let request = WatchUserRequest {
        user_id: Uuid::from_u128(1).to_string(),
        ..Default::default()
    };
    let body = envelope(0, &prost::Message::encode_to_vec(&request));
    for (kind, name, value) in [
        ("application/connect+proto", "connect-timeout-ms", "300"),
        ("application/grpc", "grpc-timeout", "300m"),
        ("application/grpc-web", "grpc-timeout", "300m"),
    ] {
        let began = Instant::now();
        let path = proto::user::v1::user_service::WATCH_USER_UPDATES;
        let answer = Ask::new(server.address, Version::HTTP_2, path)
            .header("content-type", kind)
            .header("authorization", &token)
            .header(name, value)
            .body(body.clone())
            .send()
            .await;
        assert_eq!(answer.code(), "deadline_exceeded", "{kind}");
        assert!(began.elapsed() < Duration::from_secs(1), "{kind}");
    }
}

//! A stop that no peer can hold up.

use std::time::{Duration, Instant};

use call::Role;
use http::Version;
use proto::user::v1::WatchUserRequest;
use serve::Serve;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::client::{Ask, Door, envelope};
use crate::server::{self, Options};

/// row: O-02, O12
#[tokio::test]
async fn streams_end_with_a_word_and_silent_peers_are_cut() {
    let serve = Serve {
        drain_max: Duration::from_secs(1),
        ..Serve::default()
    };
    let mut server = server::start_with(Options {
        serve,
        ..Options::default()
    })
    .await;
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let mut streams = Vec::new();
    for version in [Version::HTTP_2, Version::HTTP_11] {
        for kind in [
            "application/connect+proto",
            "application/grpc",
            "application/grpc-web",
        ] {
            if kind == "application/grpc" && version == Version::HTTP_11 {
                continue;
            }
            let request = WatchUserRequest {
                user_id: Uuid::from_u128(1).to_string(),
                ..Default::default()
            };
            let ask = Ask::new(
                server.address,
                version,
                proto::user::v1::user_service::WATCH_USER_UPDATES,
            )
            .header("content-type", kind)
            .header("authorization", &token)
            .body(envelope(0, &prost::Message::encode_to_vec(&request)));
            streams.push(tokio::spawn(ask.send()));
        }
    }
    let mut silent = Vec::new();
    for first in [
        &b""[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        silent.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    server.stop.cancel();
    for stream in streams {
        assert_eq!(stream.await.unwrap().code(), "unavailable");
    }
    (&mut server.served).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "the listener is closed"
    );
    drop(silent);
}

/// row: O-01
#[tokio::test]
async fn what_was_accepted_is_answered() {
    let server = server::start().await;
    let calls: Vec<_> = [Door::ConnectJson, Door::ConnectProto, Door::Grpc]
        .into_iter()
        .map(|door| {
            let request = proto::user::v1::SignUpRequest {
                name: "sleep 700".to_owned(),
                ..Default::default()
            };
            tokio::spawn(
                Ask::door(
                    server.address,
                    door,
                    proto::user::v1::auth_service::SIGN_UP,
                    &request,
                )
                .send(),
            )
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.stop.cancel();
    for call in calls {
        assert_eq!(call.await.unwrap().code(), "ok");
    }
}

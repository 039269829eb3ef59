//! A stop that no peer can hold up.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as Blocking};
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

const HEALTHZ: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// The status line of the answer, or what the connection died of.
fn answer(stream: &mut Blocking) -> String {
    let mut read = [0; 1 << 10];
    match stream.read(&mut read) {
        Ok(count) => {
            let text = String::from_utf8_lossy(&read[..count]);
            text.lines().next().unwrap_or("it was closed").to_owned()
        }
        Err(error) => error.to_string(),
    }
}

/// row: O-01
#[tokio::test]
async fn who_the_kernel_let_in_before_the_stop_is_answered() {
    let server = server::start().await;
    tokio::task::yield_now().await; // it listens
    // No await before the stop: the server has not seen the one who is connected.
    let mut before = Blocking::connect(server.address).unwrap();
    before.write_all(HEALTHZ).unwrap();
    server.stop.cancel();
    let said = tokio::task::spawn_blocking(move || answer(&mut before));
    assert_eq!(said.await.unwrap(), "HTTP/1.1 200 OK");
}

/// row: O-01
#[tokio::test]
async fn who_was_accepted_before_the_stop_and_speaks_after_it_is_answered() {
    let mut server = server::start().await;
    let mut accepted = Blocking::connect(server.address).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await; // it waits for the first byte
    server.stop.cancel();
    tokio::task::yield_now().await;
    let said = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(50)); // the way of a request
        match accepted.write_all(HEALTHZ) {
            Ok(()) => answer(&mut accepted),
            Err(error) => error.to_string(),
        }
    });
    assert_eq!(said.await.unwrap(), "HTTP/1.1 200 OK");
    (&mut server.served).await.unwrap();
}

/// A call, the end of the connection, and another try at once: what that one was told, if it was let in.
fn leave_and_come_back(address: SocketAddr, here: &std::sync::mpsc::Sender<()>) -> Option<String> {
    let mut stream = Blocking::connect(address).unwrap();
    stream.write_all(HEALTHZ).unwrap();
    assert_eq!(answer(&mut stream), "HTTP/1.1 200 OK");
    here.send(()).unwrap();
    assert_eq!(answer(&mut stream), "it was closed");
    let mut again = Blocking::connect(address).ok()?;
    match again.write_all(HEALTHZ) {
        Ok(()) => Some(answer(&mut again)),
        Err(error) => Some(error.to_string()),
    }
}

/// row: O-01
#[tokio::test]
async fn who_is_told_to_leave_finds_the_door_closed_and_no_call_lost() {
    let server = server::start().await;
    let (here, arrivals) = std::sync::mpsc::channel();
    let people: Vec<_> = (0..50)
        .map(|_| {
            let (address, here) = (server.address, here.clone());
            tokio::task::spawn_blocking(move || leave_and_come_back(address, &here))
        })
        .collect();
    let all = people.len();
    let arrived = tokio::task::spawn_blocking(move || arrivals.into_iter().take(all).count());
    assert_eq!(arrived.await.unwrap(), all);
    server.stop.cancel();
    for person in people {
        assert_eq!(person.await.unwrap(), None, "let in by a server that stops");
    }
}

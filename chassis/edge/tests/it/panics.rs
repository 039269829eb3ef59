//! A panic is an error of its call, and of nothing else.

use std::time::Duration;

use bytes::Bytes;
use call::Role;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::user::v1::{SignUpRequest, WatchUserRequest};
use uuid::Uuid;

use crate::client::{Ask, Door, envelope};
use crate::server;

/// row: O-06, C8, C9
#[tokio::test]
async fn a_panic_is_internal_and_says_no_more() {
    let server = server::start().await;
    for door in Door::ALL {
        let path = proto::user::v1::auth_service::SIGN_UP;
        let request = SignUpRequest {
            name: "panic".to_owned(),
            ..Default::default()
        };
        let answer = Ask::door(server.address, door, path, &request).send().await;
        assert_eq!(answer.code(), "internal", "{door:?}");
        assert!(!answer.header("x-correlation-id").is_empty());
        assert!(!format!("{answer:?}").contains("secret"), "{door:?}");
    }
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    for kind in [
        "application/connect+proto",
        "application/grpc",
        "application/grpc-web",
    ] {
        let path = proto::user::v1::user_service::WATCH_USER_UPDATES;
        let request = WatchUserRequest {
            user_id: Uuid::from_u128(1).to_string(),
            cursor: "panic".to_owned(),
            ..Default::default()
        };
        let answer = Ask::new(server.address, Version::HTTP_2, path)
            .header("content-type", kind)
            .header("authorization", &token)
            .body(envelope(0, &prost::Message::encode_to_vec(&request)))
            .send()
            .await;
        assert_eq!(answer.code(), "internal", "{kind}");
        assert!(!format!("{answer:?}").contains("secret"), "{kind}");
    }
}

type Connection = SendRequest<Full<Bytes>>;

async fn connect(server: &server::Server) -> Connection {
    let io = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn ask(connection: &Connection, server: &server::Server, name: &str) -> Asked {
    let uri = format!(
        "http://{}{}",
        server.address,
        proto::user::v1::auth_service::SIGN_UP
    );
    let body = serde_json::json!({"name": name}).to_string();
    let request = Request::post(uri).header("content-type", "application/json");
    let request = request.body(Full::from(body)).unwrap();
    let mut connection = connection.clone();
    tokio::spawn(async move { connection.send_request(request).await.unwrap() })
}

type Asked = tokio::task::JoinHandle<http::Response<Incoming>>;

/// What else is under way on the connection goes on, a stream too, and it takes more.
///
/// row: O-06
#[tokio::test]
async fn other_streams_of_the_connection_live_on() {
    let recorder = telemetry::metrics::install(&[]).unwrap();
    let server = server::start().await;
    let connection = connect(&server).await;
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let watch = WatchUserRequest {
        user_id: Uuid::from_u128(1).to_string(),
        ..Default::default()
    };
    let path = proto::user::v1::user_service::WATCH_USER_UPDATES;
    let watch = Request::post(format!("http://{}{path}", server.address))
        .header("content-type", "application/grpc")
        .header("authorization", &token)
        .body(Full::from(envelope(
            0,
            &prost::Message::encode_to_vec(&watch),
        )))
        .unwrap();
    let mut watching = connection
        .clone()
        .send_request(watch)
        .await
        .unwrap()
        .into_body();
    assert!(watching.frame().await.unwrap().unwrap().is_data());

    let slow = ask(&connection, &server, "sleep 500");
    tokio::time::sleep(Duration::from_millis(100)).await;
    for panics in 1..=3 {
        let broken = ask(&connection, &server, "panic").await.unwrap();
        assert_eq!(broken.status(), 500);
        let counted = format!("rpc_panics_total {panics}");
        let text = recorder.render();
        assert!(text.contains(&counted), "{counted} is missing in\n{text}");
    }
    assert_eq!(
        ask(&connection, &server, "hello").await.unwrap().status(),
        200
    );
    assert_eq!(slow.await.unwrap().status(), 200, "it was under way");
    server.stop.cancel();
    let end = loop {
        let frame = watching.frame().await.unwrap().unwrap();
        if let Ok(trailers) = frame.into_trailers() {
            break trailers;
        }
    };
    assert_eq!(end["grpc-status"], "14", "the stream lived until the stop");
}

/// row: O-06
#[tokio::test]
async fn a_connection_of_http1_takes_the_next_call() {
    let server = server::start().await;
    let io = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(io));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for (name, status) in [
        ("panic", 500),
        ("hello", 200),
        ("panic", 500),
        ("hello", 200),
    ] {
        let body = serde_json::json!({"name": name}).to_string();
        let request = Request::post(proto::user::v1::auth_service::SIGN_UP)
            .header("host", server.address.to_string())
            .header("content-type", "application/json")
            .body(Full::<Bytes>::from(body))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
        answer.into_body().collect().await.unwrap();
    }
}

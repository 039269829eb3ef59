//! Answers that nobody reads end after a while and leave nothing behind; whoever reads slowly, or waits, is left alone.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serve::Serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::client::{Ask, envelope};
use crate::server::{self, Options, Server};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const WATCH: &str = proto::user::v1::user_service::WATCH_USER_UPDATES;
const UNREAD_MAX: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// A server where one address may have one call and one stream, and whose answers wait for a second.
async fn start() -> Server {
    let mut options = Options {
        serve: Serve {
            unread_max: UNREAD_MAX,
            grace: Duration::from_millis(200),
            ..Serve::default()
        },
        ..Options::default()
    };
    options.config.load.shares.address.calls = 1;
    options.config.load.shares.address.streams = 1;
    options.config.timeouts.default = Duration::from_secs(30);
    server::start_with(options).await
}

async fn dial(server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    socket.connect(server).await.unwrap()
}

/// An HTTP/2 connection whose streams may be sent so many bytes unread.
async fn connect(server: SocketAddr, window: u32) -> (SendRequest<Full<Bytes>>, JoinHandle<()>) {
    let handshake = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(dial(server).await));
    let (sender, connection) = handshake.await.unwrap();
    (sender, tokio::spawn(async move { drop(connection.await) }))
}

fn big(bytes: usize) -> Vec<u8> {
    format!(r#"{{"name":"big {bytes}"}}"#).into_bytes()
}

fn post(path: &str, kind: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let request = Request::post(format!("http://shop{path}")).header("content-type", kind);
    request.body(Full::from(body)).unwrap()
}

/// Whether this address may call.
async fn may_call(server: &Server) -> bool {
    let answer = Ask::new(server.address, Version::HTTP_11, SIGN_UP)
        .header("content-type", "application/json")
        .body(r#"{"name":"x"}"#)
        .send()
        .await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::TOO_MANY_REQUESTS => false,
        other => panic!("{other}"),
    }
}

async fn until_one_may_call(server: &Server) {
    let again = async {
        while !may_call(server).await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, again).await.expect("it was freed");
}

/// row: S-14
#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up_on_http_1() {
    let server = start().await;
    let mut stream = dial(server.address).await;
    let body = big(4_000_000);
    let head = format!(
        "POST {SIGN_UP} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    stream.readable().await.unwrap(); // the answer has begun
    assert!(!may_call(&server).await, "it is still under way");
    until_one_may_call(&server).await;
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    let whole = matches!(read.unwrap(), Ok(bytes) if bytes > 4_000_000);
    assert!(!whole, "it was cut");
}

/// row: S-14, S-11
#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up_on_http_2() {
    let server = start().await;
    // No byte of it, one, or as many as come at first; more than a piece, less than one.
    for (window, bytes) in [
        (0, 1_000_000),
        (1, 1_000_000),
        (65_535, 1_000_000),
        (0, 9_000),
        (1, 9_000),
    ] {
        until_one_may_call(&server).await;
        let (mut sender, connection) = connect(server.address, window).await;
        let request = post(SIGN_UP, "application/json", big(bytes));
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(!may_call(&server).await, "{window}, {bytes}: under way");
        until_one_may_call(&server).await;
        let ended = timeout(PATIENCE, connection).await;
        assert!(ended.is_ok(), "{window}, {bytes}: its connection is over");
    }
}

/// row: S-14, S-11
#[tokio::test]
async fn a_short_answer_that_nobody_lets_in_ends_with_its_connection() {
    let server = start().await;
    for window in [0, 1, 100] {
        let (mut sender, connection) = connect(server.address, window).await;
        let request = post(SIGN_UP, "application/json", big(300));
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(timeout(PATIENCE, connection).await.is_ok(), "{window}");
    }
}

fn watch(server: &Server) -> Request<Full<Bytes>> {
    let mut request = post(
        WATCH,
        "application/connect+json",
        envelope(0, br#"{"cursor":"wait"}"#),
    );
    let token = server.token(uuid::Uuid::from_u128(1), &[call::Role::Admin]);
    let headers = request.headers_mut();
    headers.insert("authorization", token.parse().unwrap());
    request
}

/// row: S-14, S-11
#[tokio::test]
async fn a_stream_that_nobody_reads_is_given_up() {
    let server = start().await;
    let (mut unread, connection) = connect(server.address, 0).await;
    let answer = unread.send_request(watch(&server)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let other = async || {
        let (mut sender, connection) = connect(server.address, 65_535).await;
        let mut body = sender
            .send_request(watch(&server))
            .await
            .unwrap()
            .into_body();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let refused = String::from_utf8_lossy(&frame).contains("resource_exhausted");
        (!refused).then_some((sender, connection, body))
    };
    assert!(other().await.is_none(), "one stream is what one may have");
    let again = async {
        loop {
            if let Some(open) = other().await {
                return open;
            }
        }
    };
    let open = timeout(PATIENCE, again).await.expect("it was freed");
    assert!(timeout(PATIENCE, connection).await.is_ok());
    drop(open);
}

/// row: S-14
#[tokio::test]
async fn who_reads_slowly_or_waits_for_news_is_left_alone() {
    let server = start().await;
    let (mut sender, _connection) = connect(server.address, 16 << 10).await;
    let request = post(SIGN_UP, "application/json", big(300_000));
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().into_data().map_or(0, |data| data.len());
        sleep(UNREAD_MAX / 8).await;
    }
    assert!(bytes > 300_000, "{bytes}");
    let mut body = sender
        .send_request(watch(&server))
        .await
        .unwrap()
        .into_body();
    body.frame().await.unwrap().unwrap();
    sleep(UNREAD_MAX * 3).await;
    server.stop.cancel();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        all.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default());
    }
    let all = String::from_utf8_lossy(&all).into_owned();
    assert!(all.contains("resume after 2"), "{all}");
}

/// Whoever takes an answer byte by byte gets all of it.
///
/// row: S-14
#[tokio::test]
async fn a_narrow_reader_gets_a_whole_answer() {
    let server = server::start().await;
    // Fewer pieces than are a flood.
    for (window, bytes) in [(1, 1), (1, 300), (7, 5_000), (300, 300), (4_000, 5_000)] {
        let (mut sender, _connection) = connect(server.address, window).await;
        let request = post(SIGN_UP, "application/json", big(bytes));
        let body = sender.send_request(request).await.unwrap().into_body();
        let body = timeout(PATIENCE, body.collect()).await.expect("it comes");
        let read = body.unwrap().to_bytes().len();
        assert!(read > bytes, "{window}, {bytes}: {read}");
    }
}

/// An answer comes whole, whatever pieces it is cut into.
///
/// row: P1
#[tokio::test]
async fn an_answer_is_whole_however_long_it_is() {
    let server = server::start().await;
    for bytes in [0, 1, 4_000, 4_050, 4_097, 16_384, 16_900, 33_000, 100_000] {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let answer = Ask::new(server.address, version, SIGN_UP)
                .header("content-type", "application/json")
                .body(big(bytes))
                .send()
                .await;
            let name = answer.json()["user"]["name"].clone();
            assert_eq!(name.as_str().unwrap_or_default().len(), bytes);
            let length = answer.header("content-length").to_owned();
            assert_eq!(length, answer.body.len().to_string(), "{version:?}");
        }
    }
}

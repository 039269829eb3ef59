//! What is left of a request in the log and in the metrics, whoever refused it and whoever left.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use call::Role;
use edge::{App, Contract, Forward, Health};
use http::{Method, Request, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::catalog::v1::GetProductRequest;
use proto::user::v1::{SignUpRequest, WatchUserRequest};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::{Ask, Door, envelope};
use crate::server::{self, Server};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const WATCH: &str = proto::user::v1::user_service::WATCH_USER_UPDATES;
const ID: &str = "018f0000-0000-7000-8000-000000000001";

/// The log of this process.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let config = telemetry::Config {
        format: telemetry::Format::Json,
        filter: "info".to_owned(),
        service: "test".to_owned(),
        version: "0".to_owned(),
        env: "test".to_owned(),
    };
    let subscriber = telemetry::log::subscriber(&config, Box::new(log.clone())).unwrap();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
});

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The access line of a request, as soon as it is there.
async fn line(correlation_id: &str) -> Value {
    let began = Instant::now();
    loop {
        let text = String::from_utf8(LOG.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line
        });
        let mut found = lines.filter(|line| {
            line["correlation_id"] == correlation_id && line["message"] == "Answered"
        });
        if let Some(line) = found.next() {
            assert!(found.next().is_none(), "two lines of {correlation_id}");
            return line;
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "no line of {correlation_id} in\n{text}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn named(name: &str) -> SignUpRequest {
    SignUpRequest {
        name: name.to_owned(),
        ..Default::default()
    }
}

async fn begun(server: &Server, count: usize) {
    let began = Instant::now();
    while server.seen.begun.load(Ordering::SeqCst) < count {
        assert!(began.elapsed() < Duration::from_secs(5), "no handler began");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// row: O1, O5, R-17
#[tokio::test]
async fn whoever_leaves_before_the_answer_is_logged_and_counted_as_canceled() {
    LazyLock::force(&LOG);
    let recorder = telemetry::metrics::install(&[]).unwrap();
    let server = server::start().await;
    for (count, door) in Door::ALL.into_iter().enumerate() {
        let id = format!("left-{door:?}");
        let asking = Ask::door(server.address, door, SIGN_UP, &named("sleep 60000"))
            .header("x-correlation-id", &id);
        let asking = tokio::spawn(asking.send());
        begun(&server, count + 1).await;
        asking.abort();
        let line = line(&id).await;
        assert_eq!(
            (&line["code"], &line["status"], &line["route"]),
            (&"canceled".into(), &499.into(), &SIGN_UP.into()),
            "{line}"
        );
    }
    let text = recorder.render();
    for protocol in ["connect", "grpc", "grpc_web"] {
        let counted = text.lines().any(|line| {
            line.starts_with("rpc_server_call_duration_seconds_count")
                && line.contains(&format!("protocol=\"{protocol}\""))
                && line.contains("code=\"canceled\"")
        });
        assert!(counted, "{protocol}\n{text}");
    }
}

/// A body that says when its first piece was taken, and never ends.
struct Endless {
    piece: Option<Bytes>,
    taken: Option<oneshot::Sender<()>>,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.piece.take() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None => {
                self.taken.take().map(|taken| taken.send(()));
                Poll::Pending
            }
        }
    }
}

/// row: O1, R-17
#[tokio::test]
async fn whoever_leaves_amid_the_request_is_logged_as_canceled() {
    LazyLock::force(&LOG);
    let server = server::start().await;
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    for (path, kind) in [
        (SIGN_UP, "application/json"),
        (SIGN_UP, "application/grpc"),
        (SIGN_UP, "application/grpc-web"),
        (WATCH, "application/grpc"),
        (WATCH, "application/connect+proto"),
    ] {
        let io = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let id = format!("amid-{path}-{kind}").replace(['/', '+'], ".");
        let (taken, told) = oneshot::channel();
        let body = Endless {
            piece: Some(Bytes::from_static(&[0, 0])),
            taken: Some(taken),
        };
        let request = Request::post(format!("http://{}{path}", server.address))
            .header("content-type", kind)
            .header("authorization", &token)
            .header("x-correlation-id", &id)
            .body(body.boxed());
        let asking = tokio::spawn(sender.send_request(request.unwrap()));
        told.await.unwrap();
        // An answer to what came after it: the server has the first half of the other.
        let probe = Request::get(format!("http://{}/healthz", server.address));
        let probe = probe.body(Full::default().boxed()).unwrap();
        assert_eq!(sender.send_request(probe).await.unwrap().status(), 200);
        asking.abort();
        let line = line(&id).await;
        assert_eq!(line["code"], "canceled", "{path} {kind}: {line}");
    }
    let mut half = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST {SIGN_UP} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         x-correlation-id: amid-http1\r\ncontent-length: 100\r\n\r\n{{"
    );
    half.write_all(head.as_bytes()).await.unwrap();
    drop(half);
    let line = line("amid-http1").await;
    assert_eq!(line["code"], "canceled", "{line}");
}

/// row: O1, P-06
#[tokio::test]
async fn every_refusal_has_its_code_in_the_access_line() {
    LazyLock::force(&LOG);
    let server = server::start().await;
    let long = "x".repeat(9000);
    let big = vec![b' '; server::AUTH_LIMIT + 1];
    let mut asks = Vec::new();
    for door in Door::ALL {
        let ask = |path: &str| {
            let ask = Ask::new(server.address, Version::HTTP_2, path);
            ask.header("content-type", door.content_type())
        };
        let create = proto::catalog::v1::catalog_service::CREATE_PRODUCT;
        asks.extend([
            (ask(SIGN_UP).method(Method::PUT), "unimplemented"),
            (ask(&format!("{SIGN_UP}?{long}")), "invalid_argument"),
            (ask(create), "unauthenticated"),
            (ask("/stoa.user.v1.AuthService/Nothing"), "unimplemented"),
            (
                ask(SIGN_UP)
                    .header("connect-timeout-ms", "x")
                    .header("grpc-timeout", "x"),
                "invalid_argument",
            ),
            (
                ask(SIGN_UP)
                    .header("content-encoding", "br")
                    .header("grpc-encoding", "br"),
                "unimplemented",
            ),
        ]);
        if !door.content_type().contains("grpc") {
            let library = || ask(SIGN_UP).header("accept-encoding", "gzip");
            let version = library().header("connect-protocol-version", "2");
            asks.extend([
                (version, "invalid_argument"),
                (library().body(big.clone()), "resource_exhausted"),
                (ask(SIGN_UP).body(big.clone()), "resource_exhausted"),
                (ask(WATCH), "unimplemented"),
            ]);
        }
    }
    for kind in [
        "image/jpeg",
        "application/grpc+foo",
        "application/connect+json",
    ] {
        let ask = Ask::new(server.address, Version::HTTP_2, SIGN_UP);
        asks.push((ask.header("content-type", kind), "unimplemented"));
    }
    for (query, code) in [
        ("encoding=json", "invalid_argument"),
        ("encoding=xml&message=x", "unimplemented"),
        ("encoding=json&message=x&connect=v2", "invalid_argument"),
        ("encoding=json&message=x&compression=br", "unimplemented"),
    ] {
        let path = format!("{GET_PRODUCT}?{query}");
        let ask = Ask::new(server.address, Version::HTTP_2, &path).method(Method::GET);
        asks.push((ask, code));
    }
    for (nth, (ask, code)) in asks.into_iter().enumerate() {
        let id = format!("refused-{nth}");
        let answer = ask.header("x-correlation-id", &id).send().await;
        let line = line(&id).await;
        assert_eq!(line["code"], code, "{answer:?}\n{line}");
        assert_eq!(line["status"], answer.status.as_u16(), "{line}");
    }
}

/// An answer of another process that an edge only carries on.
///
/// row: O1, G1
#[tokio::test]
async fn an_answer_that_is_carried_on_has_its_code_in_the_access_line() {
    LazyLock::force(&LOG);
    let behind = server::start().await;
    let address = front(&behind).await;
    let token = behind.token(Uuid::from_u128(1), &[Role::Customer]);
    for door in Door::ALL {
        for (name, code) in [("hello", "ok"), ("error", "failed_precondition")] {
            let id = format!("carried-{door:?}-{name}");
            let ask = Ask::new(address, Version::HTTP_2, SIGN_UP)
                .header("content-type", door.content_type())
                .header("x-correlation-id", &id)
                .body(door.encode(&named(name)));
            assert_eq!(ask.send().await.code(), code);
            assert_eq!(line(&id).await["code"], code, "{door:?}");
        }
    }
    for (cursor, code) in [("end", "ok"), ("error", "aborted")] {
        for kind in [
            "application/connect+proto",
            "application/grpc",
            "application/grpc-web",
            "application/grpc-web-text",
        ] {
            let request = WatchUserRequest {
                user_id: ID.to_owned(),
                cursor: cursor.to_owned(),
                ..Default::default()
            };
            let mut body = envelope(0, &prost::Message::encode_to_vec(&request));
            if kind.ends_with("text") {
                use base64::Engine;
                body = base64::prelude::BASE64_STANDARD.encode(body).into_bytes();
            }
            let id = format!("carried-{cursor}-{kind}").replace(['/', '+'], ".");
            let answer = Ask::new(address, Version::HTTP_2, WATCH)
                .header("content-type", kind)
                .header("authorization", &token)
                .header("x-correlation-id", &id)
                .body(body)
                .send()
                .await;
            assert_eq!(answer.code(), code, "{kind}");
            assert_eq!(line(&id).await["code"], code, "{kind}");
        }
    }
}

/// An edge without services of its own, which sends every call on.
async fn front(server: &Server) -> std::net::SocketAddr {
    let behind = server.address;
    let forward = Forward(Arc::new(move |_, request| {
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            parts.headers.remove("x-correlation-id"); // both log into one place here
            let io = TokioIo::new(TcpStream::connect(behind).await.unwrap());
            let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
            let (mut sender, connection) = handshake.await.unwrap();
            tokio::spawn(connection);
            let path = parts.uri.path();
            let mut request = Request::post(format!("http://{behind}{path}"));
            for (name, value) in &parts.headers {
                request = request.header(name, value);
            }
            let sent = sender.send_request(request.body(body).unwrap()).await;
            sent.unwrap().map(axum::body::Body::new)
        })
    }));
    let health = Health::new(CancellationToken::new());
    let contract = Contract::new(proto::DESCRIPTORS).unwrap();
    let app = App::builder(contract, clock::Clock::system(), health);
    let unbounded = edge::Config {
        rate_limit: edge::RateLimit::Off,
        ..edge::Config::default()
    };
    let app = app
        .config(unbounded)
        .verifier(server.verifier.clone())
        .forward(forward);
    let app = app.build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (config, stop) = (serve::Serve::default(), CancellationToken::new());
    tokio::spawn(serve::serve(listener, app, config, stop));
    address
}

/// row: O5, P3
#[tokio::test]
async fn an_answer_that_is_known_already_is_counted_apart() {
    let recorder = telemetry::metrics::install(&[]).unwrap();
    let server = server::start().await;
    let message = serde_json::to_string(&GetProductRequest { id: ID.to_owned() }).unwrap();
    let message = form_urlencoded::byte_serialize(message.as_bytes()).collect::<String>();
    let path = format!("{GET_PRODUCT}?connect=v1&encoding=json&message={message}");
    let get = || Ask::new(server.address, Version::HTTP_11, &path).method(Method::GET);
    let first = get().send().await;
    let again = get().header("if-none-match", first.header("etag"));
    assert_eq!(again.send().await.status, 304);
    let text = recorder.render();
    for status in [200, 304] {
        let counted = text.lines().find(|line| {
            line.starts_with("http_request_duration_seconds_count")
                && line.contains(GET_PRODUCT)
                && line.contains(&format!("status_code=\"{status}\""))
        });
        let counted = counted.unwrap_or_else(|| panic!("no {status} in\n{text}"));
        assert!(counted.ends_with(" 1"), "{counted}");
    }
}

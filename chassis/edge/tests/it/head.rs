//! The head of a request, as HTTP has it: its host, how many headers, how types are written.

use std::sync::atomic::Ordering;

use http::{Method, Version};

use crate::client::{Ask, envelope, raw};
use crate::server;

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;

/// row: S-14
#[tokio::test]
async fn a_request_of_http1_names_one_host() {
    let server = server::start().await;
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nhost: a\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a b\r\n", "400"),
        ("GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\nhost: [::1]:80\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\nhost:\r\n", "200"),
        ("GET /healthz HTTP/1.0\r\n", "200"),
    ] {
        let request = format!("{head}connection: close\r\n\r\n");
        let answer = raw(server.address, request.as_bytes()).await;
        let found = answer.split(' ').nth(1).unwrap_or_default();
        assert_eq!(found, status, "{head:?}: {answer}");
    }
    let call = format!(
        "POST {SIGN_UP} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{{}}"
    );
    let answer = raw(server.address, call.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

/// RFC 9112, 6.1: what was coded in a way that nobody here undoes is not what its sender meant.
///
/// row: P-06, S-14
#[tokio::test]
async fn a_transfer_is_in_chunks_or_is_not_coded() {
    let server = server::start().await;
    let call = |codings: &str| {
        format!(
            "POST {SIGN_UP} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{codings}\r\n\
             2\r\n{{}}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
    };
    for codings in [
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: Identity, chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
    ] {
        let answer = raw(server.address, call(codings).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 501 "), "{codings}: {answer}");
        let said = "chunked is taken, once, and nothing else";
        assert!(answer.contains(said), "{codings}: {answer}");
        assert!(
            answer.contains("connection: close\r\n"),
            "{codings}: {answer}"
        );
        let answers = answer.matches("HTTP/1.1 ").count();
        assert_eq!(answers, 1, "{codings}: what follows is read: {answer}");
    }
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
    for codings in ["chunked", "Chunked", " chunked ", ", chunked"] {
        let call = call(&format!("transfer-encoding: {codings}\r\n"));
        let answer = raw(server.address, call.as_bytes()).await;
        let answers = answer.matches("HTTP/1.1 200 ").count();
        assert_eq!(answers, 2, "{codings}: {answer}");
    }
}

/// row: S-14
#[tokio::test]
async fn headers_have_one_bound_on_every_version() {
    let server = server::start().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for (count, status) in [(90, 200), (101, 431)] {
            let mut ask = Ask::new(server.address, version, "/healthz").method(Method::GET);
            for i in 0..count {
                ask = ask.header(&format!("x-{i}"), "1");
            }
            assert_eq!(
                ask.send().await.status,
                status,
                "{count} headers, {version:?}"
            );
        }
        let mut same = Ask::new(server.address, version, "/healthz").method(Method::GET);
        for _ in 0..101 {
            same = same.header("x-same", "1");
        }
        assert_eq!(same.send().await.status, 431, "{version:?}");
        for (bytes, status) in [(13 << 10, 200), (14 << 10, 431)] {
            let long = Ask::new(server.address, version, "/healthz").method(Method::GET);
            let long = long.header("x-long", &"x".repeat(bytes));
            assert_eq!(
                long.send().await.status,
                status,
                "{bytes} bytes, {version:?}"
            );
        }
    }
}

/// row: O7, O8
#[tokio::test]
async fn a_health_page_is_read_and_nothing_else() {
    let server = server::start().await;
    server.health.wait_ready().await;
    for path in ["/healthz", "/readyz", "/health"] {
        let ask = |method: Method| {
            Ask::new(server.address, Version::HTTP_11, path)
                .method(method)
                .send()
        };
        assert_eq!(ask(Method::GET).await.status, 200, "{path}");
        let head = ask(Method::HEAD).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = ask(method.clone()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("allow")),
                (405, "GET, HEAD"),
                "{method} {path}"
            );
        }
    }
}

/// row: P1, P2, P4, P5, P6
#[tokio::test]
async fn a_media_type_is_one_however_it_is_written() {
    let server = server::start().await;
    for (kind, body) in [
        ("Application/JSON", b"{}".to_vec()),
        ("APPLICATION/JSON; charset=UTF-8", b"{}".to_vec()),
        ("application/Proto", Vec::new()),
        ("Application/gRPC", envelope(0, b"")),
        ("application/GRPC+Proto", envelope(0, b"")),
        ("application/grpc-Web+proto", envelope(0, b"")),
        ("Application/Grpc-Web-Text", b"AAAAAAA=".to_vec()),
    ] {
        for accept in [("x-nothing", "1"), ("accept-encoding", "gzip")] {
            let answer = Ask::new(server.address, Version::HTTP_2, SIGN_UP)
                .header("content-type", kind)
                .header(accept.0, accept.1)
                .body(body.clone())
                .send()
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (200, "ok"),
                "{kind}"
            );
        }
    }
    let token = server.token(uuid::Uuid::nil(), &[call::Role::Customer]);
    let stream = Ask::new(
        server.address,
        Version::HTTP_2,
        proto::user::v1::user_service::WATCH_USER_UPDATES,
    )
    .header("content-type", "Application/Connect+JSON")
    .header("authorization", &token)
    .body(envelope(0, br#"{"cursor":"end"}"#))
    .send()
    .await;
    assert_eq!(stream.code(), "ok");
}

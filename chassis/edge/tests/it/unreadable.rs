//! Bytes that are no message are the caller's fault on every protocol, and told in our words.

use std::sync::atomic::Ordering;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use call::Role;
use http::{Method, Version};
use uuid::Uuid;

use crate::client::{Answer, Ask, Door, envelope, gzip, raw};
use crate::server::{self, Server};

const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const WATCH: &str = proto::user::v1::user_service::WATCH_USER_UPDATES;
const CHAT: &str = proto::support::v1::support_service::CHAT_SESSION;

/// A text of 36 bytes is announced, and one comes.
const CUT: &[u8] = &[0x0a, 0x24, b'0'];

const NO_PROTOBUF: &str = "The request is not the Protobuf form of its message";
const NOT_COMPRESSED: &str = "The request does not decompress by the encoding that it names";
const NO_TEXT: &str =
    "The query is not UTF-8: send a message of other bytes as URL-safe base64, with base64=1";
const CUT_SHORT: &str = "A message of the request is cut short";
const WRONG_FLAGS: &str = "A message of the request has flags that there are not";

async fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let mut ask = Ask::new(server.address, Version::HTTP_2, path)
        .header(
            "authorization",
            &server.token(Uuid::from_u128(1), &[Role::Customer]),
        )
        .body(body);
    for (name, value) in headers {
        ask = ask.header(name, value);
    }
    ask.send().await
}

/// row: P-06, P1, P5, P6
#[tokio::test]
async fn bytes_that_are_no_message_are_the_callers_fault_on_every_protocol() {
    let server = server::start().await;
    for door in Door::ALL {
        let (body, says) = match door {
            Door::ConnectJson => (
                br#"{"id": 7}"#.to_vec(),
                "The request is not the JSON form of its message: line 1, column 8",
            ),
            Door::ConnectProto => (CUT.to_vec(), NO_PROTOBUF),
            Door::Grpc | Door::GrpcWeb => (envelope(0, CUT), NO_PROTOBUF),
            Door::GrpcWebText => (
                BASE64_STANDARD.encode(envelope(0, CUT)).into_bytes(),
                NO_PROTOBUF,
            ),
        };
        let kind = ("content-type", door.content_type());
        // As curl asks, and as browsers do, who name what they would decompress.
        for accept in [("x-nothing", "1"), ("accept-encoding", "gzip")] {
            let answer = post(&server, GET_PRODUCT, &[kind, accept], body.clone()).await;
            assert_eq!(
                (answer.code().as_str(), answer.says().as_str()),
                ("invalid_argument", says),
                "{door:?} {accept:?}"
            );
        }
    }
    for body in ["!!!!", "AAAAA", "AAAAAAA=A"] {
        let kind = ("content-type", "application/grpc-web-text");
        let answer = post(&server, GET_PRODUCT, &[kind], body.into()).await;
        assert_eq!(
            (answer.code().as_str(), answer.says().as_str()),
            ("invalid_argument", "The body of the request is not base64"),
            "{body}"
        );
    }
    for kind in [
        "application/connect+proto",
        "application/grpc",
        "application/grpc-web",
    ] {
        for path in [WATCH, CHAT] {
            let kind = ("content-type", kind);
            let answer = post(&server, path, &[kind], envelope(0, CUT)).await;
            assert_eq!(
                (answer.code().as_str(), answer.says().as_str()),
                ("invalid_argument", NO_PROTOBUF),
                "{path} {kind:?}"
            );
        }
    }
}

/// row: P-06, P3
#[tokio::test]
async fn a_get_whose_message_is_none_is_the_callers_fault() {
    let server = server::start().await;
    let cut = BASE64_URL_SAFE_NO_PAD.encode(CUT);
    for (query, says) in [
        (
            "encoding=json&message=%7B%22id%22%3A7%7D".to_owned(),
            "The request is not the JSON form of its message: line 1, column 7",
        ),
        (
            format!("encoding=proto&base64=1&message={cut}"),
            NO_PROTOBUF,
        ),
        (
            "encoding=proto&base64=1&message=!!".to_owned(),
            "message is not base64",
        ),
        (
            "encoding=json&message=%7B%7D&message=%7B%7D".to_owned(),
            "message is there twice",
        ),
        (
            format!("encoding=proto&base64=1&compression=gzip&message={cut}"),
            NOT_COMPRESSED,
        ),
        ("encoding=json&message=%ff%fe".to_owned(), NO_TEXT),
        ("encoding=proto&message=%0a%02%ff%fe".to_owned(), NO_TEXT),
        ("encoding=json&message=%7B%7D&x=%ff".to_owned(), NO_TEXT),
        ("encoding=json&message=%7B%7D&%ff=x".to_owned(), NO_TEXT),
        ("encoding=json&base64=%ff&message=e30".to_owned(), NO_TEXT),
    ] {
        let path = format!("{GET_PRODUCT}?connect=v1&{query}");
        let answer = Ask::new(server.address, Version::HTTP_11, &path)
            .method(Method::GET)
            .send()
            .await;
        assert_eq!(
            (answer.code().as_str(), answer.says().as_str()),
            ("invalid_argument", says),
            "{query}"
        );
    }
}

/// row: P-06, P2
#[tokio::test]
async fn what_does_not_decompress_is_the_callers_fault_on_every_protocol() {
    let server = server::start().await;
    let mut half = gzip(&[b'x'; 1000]);
    half.truncate(half.len() / 2);
    for plain in [&b"{}"[..], &half] {
        for (path, kind, name, framed) in [
            (SIGN_UP, "application/json", "content-encoding", false),
            (SIGN_UP, "application/proto", "content-encoding", false),
            (SIGN_UP, "application/grpc", "grpc-encoding", true),
            (SIGN_UP, "application/grpc-web", "grpc-encoding", true),
            (WATCH, "application/grpc", "grpc-encoding", true),
            (
                WATCH,
                "application/connect+proto",
                "connect-content-encoding",
                true,
            ),
            (
                CHAT,
                "application/connect+proto",
                "connect-content-encoding",
                true,
            ),
            (CHAT, "application/grpc", "grpc-encoding", true),
        ] {
            let body = match framed {
                true => envelope(1, plain),
                false => plain.to_vec(),
            };
            let headers = [("content-type", kind), (name, "gzip")];
            let answer = post(&server, path, &headers, body).await;
            assert_eq!(
                (answer.code().as_str(), answer.says().as_str()),
                ("invalid_argument", NOT_COMPRESSED),
                "{path} {kind}"
            );
        }
    }
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
}

/// A compressed message where nothing was agreed is `internal`, as gRPC's specification has it.
///
/// row: P-06
#[tokio::test]
async fn an_envelope_that_is_none_is_the_callers_fault() {
    let server = server::start().await;
    let whole = envelope(0, b"");
    let unnamed = "A message of the request is compressed and no header names the encoding";
    for (body, code, says) in [
        (envelope(0x04, b""), "invalid_argument", WRONG_FLAGS),
        (envelope(0x40, b""), "invalid_argument", WRONG_FLAGS),
        (envelope(0x01, b"x"), "internal", unnamed),
        (whole[..3].to_vec(), "invalid_argument", CUT_SHORT),
        (
            [&[0, 0, 0, 0, 9][..], b"short"].concat(),
            "invalid_argument",
            CUT_SHORT,
        ),
    ] {
        for (path, kind) in [
            (SIGN_UP, "application/grpc"),
            (SIGN_UP, "application/grpc-web"),
            (WATCH, "application/grpc"),
            (WATCH, "application/connect+proto"),
            (CHAT, "application/grpc"),
            (CHAT, "application/connect+proto"),
        ] {
            let headers = [("content-type", kind)];
            let answer = post(&server, path, &headers, body.clone()).await;
            assert_eq!(
                (answer.code().as_str(), answer.says().as_str()),
                (code, says),
                "{path} {kind} {body:?}"
            );
        }
    }
}

/// row: P-06, S-10
#[tokio::test]
async fn an_encoding_without_a_name_is_none() {
    let server = server::start().await;
    for (path, kind, name, body) in [
        (
            SIGN_UP,
            "application/json",
            "content-encoding",
            b"{}".to_vec(),
        ),
        (SIGN_UP, "application/proto", "content-encoding", Vec::new()),
        (
            SIGN_UP,
            "application/grpc",
            "grpc-encoding",
            envelope(0, b""),
        ),
        (
            SIGN_UP,
            "application/grpc-web",
            "grpc-encoding",
            envelope(0, b""),
        ),
    ] {
        let answer = post(&server, path, &[("content-type", kind), (name, "")], body).await;
        assert_eq!(answer.code(), "ok", "{path} {kind}");
    }
}

/// row: P-06, S-10
#[tokio::test]
async fn the_head_of_a_message_without_any_of_it_is_the_callers_fault() {
    let server = server::start().await;
    for (path, kind) in [
        (SIGN_UP, "application/grpc"),
        (SIGN_UP, "application/grpc-web"),
        (WATCH, "application/grpc"),
        (WATCH, "application/connect+proto"),
    ] {
        let headers = [("content-type", kind)];
        let answer = post(&server, path, &headers, vec![0, 0, 0, 0, 9]).await;
        assert_eq!(
            (answer.code().as_str(), answer.says().as_str()),
            ("invalid_argument", CUT_SHORT),
            "{path} {kind}"
        );
    }
}

/// row: P1, S-14
#[tokio::test]
async fn a_chunk_that_is_none_is_the_callers_fault() {
    let server = server::start().await;
    for accept in ["", "accept-encoding: gzip\r\n"] {
        for chunk in ["x\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx0\r\n\r\n"] {
            let request = format!(
                "POST {SIGN_UP} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{accept}\
                 connection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"
            );
            let answer = raw(server.address, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{chunk:?}: {answer}");
            assert!(answer.contains("invalid_argument"), "{chunk:?}: {answer}");
        }
    }
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
}

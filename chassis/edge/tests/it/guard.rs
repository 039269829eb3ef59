//! What is no call is refused as the specifications say, and does nothing.

use std::sync::atomic::Ordering;

use http::{Method, Version};
use proto::user::v1::SignUpRequest;

use crate::client::{Ask, Door, envelope};
use crate::server;

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const CHAT: &str = proto::support::v1::support_service::CHAT_SESSION;
const WATCH: &str = proto::user::v1::user_service::WATCH_USER_UPDATES;

/// row: P3, P-06
#[tokio::test]
async fn what_is_no_call_is_refused_and_does_nothing() {
    let server = server::start().await;
    let ask = |method: Method, kind: &str, body: &[u8]| {
        let ask = Ask::new(server.address, Version::HTTP_2, SIGN_UP)
            .method(method)
            .body(body);
        if kind.is_empty() {
            ask
        } else {
            ask.header("content-type", kind)
        }
    };
    let get = ask(Method::GET, "", b"").send().await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
    let query = format!("{SIGN_UP}?connect=v1&encoding=json&message=%7B%7D");
    let valid = Ask::new(server.address, Version::HTTP_11, &query)
        .method(Method::GET)
        .send()
        .await;
    assert_eq!(
        (valid.status.as_u16(), valid.header("allow")),
        (405, "POST")
    );
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for kind in [
            "application/json",
            "application/grpc",
            "application/grpc-web+proto",
        ] {
            let answer = ask(method.clone(), kind, b"{}").send().await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("allow")),
                (405, "POST"),
                "{method} {kind}"
            );
        }
    }
    for kind in [
        "image/jpeg",
        "application/grpc+foo",
        "application/grpc+json",
        "text/plain",
        "application/x-www-form-urlencoded",
    ] {
        assert_eq!(
            ask(Method::POST, kind, b"{}").send().await.status,
            415,
            "{kind}"
        );
    }
    let none = ask(Method::POST, "application/grpc", b"").send().await;
    assert_eq!(none.code(), "unimplemented");
    let two = ask(
        Method::POST,
        "application/grpc",
        &[envelope(0, b""), envelope(0, b"")].concat(),
    )
    .send()
    .await;
    assert_eq!(two.code(), "unimplemented");
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
}

/// row: P-06, P1, P4
#[tokio::test]
async fn a_content_type_of_another_kind_of_rpc_is_none() {
    let server = server::start().await;
    let token = server.token(uuid::Uuid::nil(), &[call::Role::Customer]);
    let unary = "application/json, application/proto";
    let stream = "application/connect+json, application/connect+proto";
    for (path, kind, others) in [
        (SIGN_UP, "application/connect+json", unary),
        (SIGN_UP, "application/connect+proto", unary),
        (SIGN_UP, "text/plain", unary),
        (WATCH, "application/json", stream),
        (WATCH, "application/proto", stream),
        (WATCH, "text/plain", stream),
        (CHAT, "application/json", stream),
    ] {
        let answer = Ask::new(server.address, Version::HTTP_2, path)
            .header("content-type", kind)
            .header("authorization", &token)
            .body(b"{}")
            .send()
            .await;
        assert_eq!(answer.status, 415, "{path} {kind}");
        let taken = answer.header("accept-post");
        assert!(taken.starts_with(others), "{path} {kind}: {taken}");
        assert!(taken.contains("application/grpc-web+proto"), "{taken}");
    }
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
}

/// row: P-06, P2, P3
#[tokio::test]
async fn no_compression_but_gzip_is_taken_and_the_refusal_says_so() {
    let server = server::start().await;
    let token = server.token(uuid::Uuid::nil(), &[call::Role::Customer]);
    for encoding in ["br", "zstd", "deflate", "compress", "x", "gzip, gzip"] {
        for (path, kind, name, framed) in [
            (SIGN_UP, "application/json", "content-encoding", false),
            (
                WATCH,
                "application/connect+proto",
                "connect-content-encoding",
                true,
            ),
            (SIGN_UP, "application/grpc", "grpc-encoding", true),
            (SIGN_UP, "application/grpc-web", "grpc-encoding", true),
            (WATCH, "application/grpc", "grpc-encoding", true),
        ] {
            for flags in [0, 1] {
                let body = match framed {
                    true => envelope(flags, b""),
                    false => b"{}".to_vec(),
                };
                let answer = Ask::new(server.address, Version::HTTP_2, path)
                    .header("content-type", kind)
                    .header("authorization", &token)
                    .header(name, encoding)
                    .body(body)
                    .send()
                    .await;
                assert_eq!(answer.code(), "unimplemented", "{path} {kind} {encoding}");
                let says = answer.says();
                assert_eq!(
                    says, "Unknown compression: this server takes gzip and identity",
                    "{path} {kind} {encoding}"
                );
                if kind.starts_with("application/grpc") {
                    let taken = answer.header("grpc-accept-encoding");
                    assert_eq!(taken, "gzip,identity", "{path} {kind}");
                }
            }
        }
        let encoding = encoding.replace(", ", "%2C%20");
        let get =
            format!("{GET_PRODUCT}?connect=v1&encoding=json&message=%7B%7D&compression={encoding}");
        let get = Ask::new(server.address, Version::HTTP_11, &get).method(Method::GET);
        let answer = get.send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (501, "unimplemented"),
            "{encoding}"
        );
    }
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
}

/// row: P-06
#[tokio::test]
async fn a_stream_takes_exactly_one_request() {
    let server = server::start().await;
    let token = server.token(uuid::Uuid::nil(), &[call::Role::Customer]);
    for body in [
        Vec::new(),
        [envelope(0, b"{}"), envelope(0, b"{}")].concat(),
    ] {
        let answer = Ask::new(server.address, Version::HTTP_11, WATCH)
            .header("content-type", "application/connect+json")
            .header("authorization", &token)
            .body(body)
            .send()
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (200, "unimplemented")
        );
    }
}

/// row: S-16
#[tokio::test]
async fn an_idempotency_key_has_its_form() {
    let server = server::start().await;
    let ask = |key: &str| {
        Ask::new(server.address, Version::HTTP_11, SIGN_UP)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body("{}")
    };
    assert_eq!(ask("k").send().await.code(), "ok");
    for bad in ["", &"k".repeat(256)] {
        assert_eq!(ask(bad).send().await.code(), "invalid_argument");
    }
}

/// Two servers that take different ones of two can be set against each other; and of two keys neither says which call
/// this is.
///
/// row: S-16, P-06
#[tokio::test]
async fn a_token_or_a_key_that_is_there_twice_is_none() {
    let server = server::start().await;
    let good = server.token(uuid::Uuid::from_u128(1), &[call::Role::Customer]);
    for (name, values, code, says) in [
        (
            "authorization",
            [&*good, "Bearer x"],
            "unauthenticated",
            "authorization is there twice",
        ),
        (
            "authorization",
            [&*good, &*good],
            "unauthenticated",
            "authorization is there twice",
        ),
        (
            "idempotency-key",
            ["one", "two"],
            "invalid_argument",
            "idempotency-key is there twice",
        ),
        (
            "idempotency-key",
            ["one", "one"],
            "invalid_argument",
            "idempotency-key is there twice",
        ),
    ] {
        let twice = |ask: Ask| ask.header(name, values[0]).header(name, values[1]);
        for door in Door::ALL {
            let request = SignUpRequest::default();
            let ask = twice(Ask::door(server.address, door, SIGN_UP, &request));
            let answer = ask.send().await;
            let told = (answer.code(), answer.says());
            assert_eq!(told, (code.into(), says.into()), "{door:?}: {name}");
        }
        let path = format!(
            "{GET_PRODUCT}?connect=v1&encoding=json&message=%7B%22id%22%3A%22{}%22%7D",
            uuid::Uuid::nil()
        );
        let get = Ask::new(server.address, Version::HTTP_11, &path).method(Method::GET);
        let answer = twice(get).send().await;
        let told = (answer.code(), answer.says());
        assert_eq!(told, (code.into(), says.into()), "GET: {name}");
        let stream = Ask::new(server.address, Version::HTTP_2, CHAT);
        let stream = stream.header("content-type", "application/connect+json");
        let mut stream = twice(stream).body(envelope(0, b"{}"));
        if name != "authorization" {
            stream = stream.header("authorization", &good);
        }
        let answer = stream.send().await;
        let told = (answer.code(), answer.says());
        assert_eq!(told, (code.into(), says.into()), "a stream: {name}");
    }
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0, "a handler ran");
}

/// row: R4
#[tokio::test]
async fn the_layers_stand_in_their_order() {
    let server = server::start().await;
    let path = proto::catalog::v1::catalog_service::CREATE_PRODUCT;
    // Each request is wrong in what it says and in everything after it.
    let wrong = |method: Method, kind: &str, timeout: &str, token: &str| {
        let ask = Ask::new(server.address, Version::HTTP_11, path)
            .method(method)
            .header("content-type", kind)
            .header("connect-timeout-ms", timeout)
            .body("{");
        if token.is_empty() {
            ask
        } else {
            ask.header("authorization", token)
        }
    };
    let customer = server.token(uuid::Uuid::nil(), &[call::Role::Customer]);
    let operator = server.token(uuid::Uuid::nil(), &[call::Role::Operator]);
    assert_eq!(
        wrong(Method::PUT, "application/json", "x", "")
            .send()
            .await
            .status,
        405,
        "guard first"
    );
    let late = wrong(Method::POST, "application/json", "x", "")
        .send()
        .await;
    assert_eq!(
        (
            late.status.as_u16(),
            late.json()["message"].as_str().unwrap()
        ),
        (400, "connect-timeout-ms is not a timeout")
    );
    assert_eq!(
        wrong(Method::POST, "application/json", "1000", "")
            .send()
            .await
            .status,
        401,
        "then identity"
    );
    assert_eq!(
        wrong(Method::POST, "application/json", "1000", &customer)
            .send()
            .await
            .status,
        403,
        "then access"
    );
    assert_eq!(
        wrong(Method::POST, "application/json", "1000", &operator)
            .send()
            .await
            .status,
        400,
        "then the handler"
    );
}

//! Calls from pages of other origins.

use edge::{Config, Cors};
use http::{Method, Version};

use crate::client::{Answer, Ask};
use crate::server::{self, Options, Server};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;

/// All that a page may send.
const ALLOWED: [&str; 10] = [
    "content-type",
    "connect-protocol-version",
    "connect-timeout-ms",
    "grpc-timeout",
    "x-grpc-web",
    "x-user-agent",
    "authorization",
    "idempotency-key",
    "traceparent",
    "x-correlation-id",
];

/// All that it may read of an answer.
const EXPOSED: [&str; 10] = [
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-correlation-id",
    "x-degraded",
    "stoa-next-page-token",
    // Beyond the row: whether an answer is the first one again.
    "idempotency-replayed",
];

async fn preflight(server: &Server, origin: &str) -> Answer {
    Ask::new(server.address, Version::HTTP_11, SIGN_UP)
        .method(Method::OPTIONS)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .send()
        .await
}

async fn post(server: &Server, origin: &str, body: &str) -> Answer {
    Ask::new(server.address, Version::HTTP_11, SIGN_UP)
        .header("origin", origin)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
}

/// row: P9
#[tokio::test]
async fn it_is_off_unless_origins_are_named() {
    let server = server::start().await;
    let answer = post(&server, "https://shop.example", "{}").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    assert_eq!(preflight(&server, "https://shop.example").await.status, 405);
}

/// row: P9, S-17
#[tokio::test]
async fn only_the_named_origin_gets_in_and_its_errors_are_readable() {
    let named = match proof::sabotaged("S-17") {
        true => vec!["https://shop.example", "https://evil.example"],
        false => vec!["https://shop.example"],
    };
    let cors = Cors::new(named).unwrap();
    let options = Options {
        config: Config {
            cors,
            rate_limit: edge::RateLimit::Off,
            ..Config::default()
        },
        ..Options::default()
    };
    let server = server::start_with(options).await;
    let allowed = preflight(&server, "https://shop.example").await;
    assert_eq!(
        (
            allowed.status.as_u16(),
            allowed.header("access-control-max-age")
        ),
        (204, "7200")
    );
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://shop.example"
    );
    let list = |answer: &Answer, name: &str| {
        let mut all: Vec<_> = answer
            .header(name)
            .split(',')
            .map(|one| one.trim().to_owned())
            .collect();
        all.sort_unstable();
        all
    };
    let sorted = |all: &[&str]| {
        let mut all: Vec<_> = all.iter().map(|one| (*one).to_owned()).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(
        list(&allowed, "access-control-allow-headers"),
        sorted(&ALLOWED)
    );
    assert_eq!(
        list(&allowed, "access-control-allow-methods"),
        ["GET", "POST"]
    );
    for body in ["{}", r#"{"name":"panic"}"#, r#"{"name":"error"}"#, "{"] {
        let answer = post(&server, "https://shop.example", body).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://shop.example",
            "{body}"
        );
        assert_eq!(
            list(&answer, "access-control-expose-headers"),
            sorted(&EXPOSED),
            "{body}"
        );
    }
    for evil in [
        "https://evil.example",
        "null",
        "https://shop.example.evil.example",
        "https://sub.shop.example",
        "http://shop.example",
    ] {
        for answer in [
            preflight(&server, evil).await,
            post(&server, evil, "{}").await,
        ] {
            let let_in = answer.headers.contains_key("access-control-allow-origin");
            proof::must("S-17", !let_in, format_args!("{evil} was let in"));
        }
    }
}

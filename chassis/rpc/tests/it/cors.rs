//! Calls from pages of other origins.

use http::{Method, Version};
use rpc::{Config, Cors};

use crate::client::{Answer, Ask};
use crate::server::{self, Options, Server};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;

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
    let cors = Cors::new(["https://shop.example"]).unwrap();
    let options = Options {
        config: Config {
            cors,
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
    for header in [
        "content-type",
        "connect-timeout-ms",
        "authorization",
        "idempotency-key",
        "x-correlation-id",
    ] {
        assert!(
            allowed
                .header("access-control-allow-headers")
                .contains(header),
            "{header}"
        );
    }
    for body in ["{}", r#"{"name":"panic"}"#, r#"{"name":"error"}"#, "{"] {
        let answer = post(&server, "https://shop.example", body).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://shop.example",
            "{body}"
        );
        for header in [
            "grpc-status",
            "retry-after",
            "x-correlation-id",
            "stoa-next-page-token",
        ] {
            assert!(
                answer
                    .header("access-control-expose-headers")
                    .contains(header),
                "{header}"
            );
        }
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
            assert!(
                !answer.headers.contains_key("access-control-allow-origin"),
                "{evil}"
            );
        }
    }
}

//! The same limit on every protocol, compressed or not, and bombs that do not go off.

use call::Role;
use http::Version;
use prost::Message;
use proto::user::v1::SignUpRequest;
use uuid::Uuid;

use crate::client::{Ask, Door, envelope, gzip};
use crate::server::{self, AUTH_LIMIT};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const CHAT: &str = proto::support::v1::support_service::CHAT_SESSION;

/// A request of exactly `bytes` bytes in the door's own codec.
fn sized(door: Door, bytes: usize) -> SignUpRequest {
    let of = |length: usize| SignUpRequest {
        name: "x".repeat(length),
        ..Default::default()
    };
    let size = |request: &SignUpRequest| match door {
        Door::ConnectJson => serde_json::to_vec(request).unwrap().len(),
        _ => request.encoded_len(),
    };
    let request = of(bytes - (size(&of(bytes)) - bytes));
    assert_eq!(size(&request), bytes);
    request
}

/// row: P23, P-03
#[tokio::test]
async fn the_limit_is_the_same_on_every_protocol() {
    let server = server::start().await;
    for door in Door::ALL {
        for (over, code) in [
            (0, "ok"),
            (1, "resource_exhausted"),
            (10, "resource_exhausted"),
        ] {
            let request = sized(door, AUTH_LIMIT + over);
            let plain = Ask::door(server.address, door, SIGN_UP, &request)
                .send()
                .await;
            assert_eq!(plain.code(), code, "{door:?} +{over}");
            let (name, body) = match door {
                Door::ConnectJson => (
                    "content-encoding",
                    gzip(&serde_json::to_vec(&request).unwrap()),
                ),
                Door::ConnectProto => ("content-encoding", gzip(&request.encode_to_vec())),
                Door::Grpc | Door::GrpcWeb => (
                    "grpc-encoding",
                    envelope(1, &gzip(&request.encode_to_vec())),
                ),
                Door::GrpcWebText => continue,
            };
            let compressed = Ask::new(server.address, door.version(), SIGN_UP)
                .header("content-type", door.content_type())
                .header(name, "gzip")
                .body(body)
                .send()
                .await;
            assert_eq!(compressed.code(), code, "{door:?} +{over}, compressed");
        }
    }
}

/// row: S-09, P23
#[tokio::test]
async fn a_bomb_is_refused_within_the_limits_memory() {
    let server = server::start().await;
    let bomb = gzip(&vec![b'x'; 100 << 20]);
    assert!(bomb.len() < 200 << 10);
    for (kind, name, body) in [
        ("application/json", "content-encoding", bomb.clone()),
        ("application/proto", "content-encoding", bomb.clone()),
        ("application/grpc", "grpc-encoding", envelope(1, &bomb)),
        ("application/grpc-web", "grpc-encoding", envelope(1, &bomb)),
    ] {
        let before = resident_bytes();
        let answer = Ask::new(server.address, Version::HTTP_2, SIGN_UP)
            .header("content-type", kind)
            .header(name, "gzip")
            .body(body)
            .send()
            .await;
        assert_eq!(answer.code(), "resource_exhausted", "{kind}");
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 16 << 20, "{kind}: {grown} bytes more");
    }
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// row: S-09
#[tokio::test]
async fn malformed_bodies_are_the_callers_fault() {
    let server = server::start().await;
    let deep = format!("{}{}", r#"{"a":["#.repeat(5_000), "]}".repeat(5_000));
    let post = |kind: &str, body: Vec<u8>| {
        Ask::new(server.address, Version::HTTP_2, SIGN_UP)
            .header("content-type", kind)
            .body(body)
            .send()
    };
    for body in [
        b"[1]".to_vec(),
        b"\xff\xfe".to_vec(),
        br#"{"name":7}"#.to_vec(),
    ] {
        assert_eq!(
            post("application/json", body).await.code(),
            "invalid_argument"
        );
    }
    assert_eq!(
        post("application/proto", vec![0xff; 20]).await.code(),
        "invalid_argument"
    );
    // Nested far beyond any limit, in a field that nobody knows: skipped, not descended into.
    assert_eq!(
        post("application/json", deep.into_bytes()).await.code(),
        "ok"
    );
    let claims = [&[0][..], &u32::MAX.to_be_bytes(), b"short"].concat();
    assert_eq!(
        post("application/grpc", claims).await.code(),
        "resource_exhausted"
    );
    assert_eq!(
        post("application/grpc", envelope(0, &[0xff; 20]))
            .await
            .code(),
        "invalid_argument"
    );
}

/// Groups within groups, in a field that nobody knows: to skip it a reader has to find where it ends. One that descended
/// as far as a stranger likes would be out of its stack, and the process with it.
///
/// row: S-09
#[tokio::test]
async fn groups_that_are_nested_too_deep_are_refused() {
    // The field 1000: its beginning, and its end.
    let nested = |deep: usize| [[0xc3, 0x3e].repeat(deep), [0xc4, 0x3e].repeat(deep)].concat();
    let server = server::start().await;
    let token = server.token(Uuid::from_u128(1), &[Role::Support]);
    for (path, kind) in [
        (SIGN_UP, "application/proto"),
        (SIGN_UP, "application/grpc"),
        (SIGN_UP, "application/grpc-web+proto"),
        (CHAT, "application/grpc"),
        (CHAT, "application/connect+proto"),
    ] {
        for (deep, code) in [(50, "ok"), (10_000, "invalid_argument")] {
            let body = nested(deep);
            assert!(body.len() < AUTH_LIMIT, "or it is refused for its length");
            let body = match kind {
                "application/proto" => body,
                _ => envelope(0, &body),
            };
            let ask = Ask::new(server.address, Version::HTTP_2, path)
                .header("content-type", kind)
                .header("authorization", &token);
            let answer = ask.body(body).send().await;
            assert_eq!(answer.code(), code, "{path}, {kind}: {deep} deep");
        }
    }
}

/// row: P23
#[tokio::test]
async fn a_url_has_its_limit() {
    let server = server::start().await;
    let path = format!("/{}", "x".repeat(9000));
    let answer = Ask::new(server.address, Version::HTTP_11, &path)
        .method(http::Method::GET)
        .send()
        .await;
    assert_eq!(answer.status, 414);
}

/// An answer that is longer than we send is our fault, and nobody's text says by how much.
///
/// row: P23, C8
#[tokio::test]
async fn an_answer_that_is_too_long_is_our_fault() {
    let server = server::start().await;
    for door in Door::ALL {
        let request = SignUpRequest {
            name: format!("big {}", 5 << 20),
            ..Default::default()
        };
        let answer = Ask::door(server.address, door, SIGN_UP, &request)
            .send()
            .await;
        assert_eq!(answer.code(), "internal", "{door:?}: {answer:?}");
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!said.contains("4194304"), "{door:?}: {said}");
    }
}

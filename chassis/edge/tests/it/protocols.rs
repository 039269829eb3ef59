//! One handler, every protocol.

use call::Role;
use http::{Method, Version};
use proto::catalog::v1::GetProductRequest;
use proto::user::v1::{SignUpRequest, WatchUserRequest};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Ask, Door, envelope, envelopes, gzip};
use crate::server;

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const WATCH: &str = proto::user::v1::user_service::WATCH_USER_UPDATES;
const CHAT: &str = proto::support::v1::support_service::CHAT_SESSION;
const ID: &str = "018f0000-0000-7000-8000-000000000001";

fn named(name: &str) -> SignUpRequest {
    SignUpRequest {
        name: name.to_owned(),
        ..Default::default()
    }
}

/// row: P1, P2, P5, P6, P8, P-01
#[tokio::test]
async fn every_door_of_one_port_answers_alike() {
    let server = server::start().await;
    for door in Door::ALL {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            if door == Door::Grpc && version == Version::HTTP_11 {
                continue;
            }
            let ask = |name: &str| {
                Ask::new(server.address, version, SIGN_UP)
                    .header("content-type", door.content_type())
                    .body(door.encode(&named(name)))
            };
            let answer = ask("hello").send().await;
            assert_eq!(answer.code(), "ok", "{door:?} {version:?}");
            let body = String::from_utf8_lossy(&answer.body);
            assert!(body.contains("hello"), "{door:?} {version:?}: {body}");
            assert!(!answer.header("x-correlation-id").is_empty());
            assert_eq!(
                ask("error").send().await.code(),
                "failed_precondition",
                "{door:?}"
            );
        }
    }
}

/// row: P1
#[tokio::test]
async fn connect_json_is_what_people_type() {
    let server = server::start().await;
    let post = |path: &str, body: &str| {
        Ask::new(server.address, Version::HTTP_11, path)
            .header("content-type", "application/json")
            .body(body)
    };
    let found = post(
        GET_PRODUCT,
        &json!({"id": ID, "unknownField": 1}).to_string(),
    )
    .send()
    .await;
    assert_eq!(
        (found.status.as_u16(), found.json()),
        (200, json!({"product": {"id": ID}}))
    );
    let unknown = post(
        GET_PRODUCT,
        r#"{"id":"ffffffff-0000-7000-8000-000000000001"}"#,
    )
    .send()
    .await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.code().as_str()),
        (404, "not_found")
    );
    let malformed = post(GET_PRODUCT, r#"{"id":"seven"}"#).send().await;
    assert_eq!(
        (malformed.status.as_u16(), malformed.code().as_str()),
        (400, "invalid_argument")
    );
    let broken = post(GET_PRODUCT, r#"{"id":"#).send().await;
    assert_eq!(
        (broken.status.as_u16(), broken.code().as_str()),
        (400, "invalid_argument")
    );
    for path in [
        "/stoa.catalog.v1.CatalogService/Nothing",
        "/stoa.nothing.v1.NoService/Nothing",
        "/x",
    ] {
        let nothing = post(path, "{}").send().await;
        assert_eq!(
            (nothing.status.as_u16(), nothing.code().as_str()),
            (404, "unimplemented")
        );
    }
}

/// As the specification of gRPC-Web has it: an answer is in text where that is accepted, and who does not say reads what
/// he writes.
///
/// row: P6
#[tokio::test]
async fn who_asks_in_text_is_answered_in_text() {
    let server = server::start().await;
    const TEXT: &str = "application/grpc-web-text+proto";
    const BYTES: &str = "application/grpc-web+proto";
    for (door, accept, kind) in [
        (Door::GrpcWebText, None, TEXT),
        (Door::GrpcWebText, Some("*/*"), TEXT),
        (Door::GrpcWebText, Some("application/grpc-web-text"), TEXT),
        (
            Door::GrpcWebText,
            Some("Application/gRPC-Web-Text;q=1, */*"),
            TEXT,
        ),
        (Door::GrpcWebText, Some("application/grpc-web+proto"), BYTES),
        (Door::GrpcWeb, None, BYTES),
        (Door::GrpcWeb, Some("*/*"), BYTES),
        (Door::GrpcWeb, Some("application/grpc-web-text"), TEXT),
    ] {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let mut ask = Ask::new(server.address, version, SIGN_UP)
                .header("content-type", door.content_type())
                .body(door.encode(&named("hello")));
            if let Some(accept) = accept {
                ask = ask.header("accept", accept);
            }
            let answer = ask.send().await; // which reads text by what the answer is called
            assert_eq!(answer.header("content-type"), kind, "{door:?} {accept:?}");
            assert_eq!(answer.code(), "ok", "{door:?} {accept:?}");
            let (_, message) = envelopes(&answer.body).remove(0);
            let said = String::from_utf8_lossy(&message).into_owned();
            assert!(said.contains("hello"), "{door:?} {accept:?}: {said}");
        }
    }
}

/// As `base64` writes it, and whoever ends a text with a line; what is amid the text is none of it.
///
/// row: P6
#[tokio::test]
async fn text_may_end_with_a_line_break() {
    let server = server::start().await;
    let text = Door::GrpcWebText.encode(&named("hello"));
    let ask = async |body: Vec<u8>| {
        let ask = Ask::new(server.address, Version::HTTP_11, SIGN_UP);
        let ask = ask.header("content-type", Door::GrpcWebText.content_type());
        ask.body(body).send().await
    };
    for end in ["\n", "\r\n", " ", "\r\n\r\n"] {
        let answer = ask([&text[..], end.as_bytes()].concat()).await;
        assert_eq!(answer.code(), "ok", "{end:?}");
        let (_, message) = envelopes(&answer.body).remove(0);
        assert!(
            String::from_utf8_lossy(&message).contains("hello"),
            "{end:?}"
        );
    }
    for bad in [[b"\n", &text[..]].concat(), [&text[..], b"\n="].concat()] {
        assert_eq!(ask(bad).await.code(), "invalid_argument");
    }
}

/// row: P2
#[tokio::test]
async fn connect_checks_its_version_and_takes_gzip_both_ways() {
    let server = server::start().await;
    for (version, code) in [("1", "ok"), ("2", "invalid_argument")] {
        let ask = Ask::door(server.address, Door::ConnectProto, SIGN_UP, &named("hello"));
        let answer = ask.header("connect-protocol-version", version).send().await;
        assert_eq!(answer.code(), code, "version {version}");
    }
    // Straight to the handler, and the library's way for who would take it compressed.
    for accepts in [None, Some("gzip")] {
        let mut ask = Ask::door(server.address, Door::ConnectJson, SIGN_UP, &named("hello"));
        ask = ask.header("connect-protocol-version", "2");
        if let Some(accepts) = accepts {
            ask = ask.header("accept-encoding", accepts);
        }
        let answer = ask.send().await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("cache-control"), "no-store", "{accepts:?}");
    }
    let answer = Ask::new(server.address, Version::HTTP_11, SIGN_UP)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .header("accept-encoding", "br, gzip")
        .body(gzip(br#"{"name":"big 2000"}"#))
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-encoding"),
        "gzip",
        "never one that is not open"
    );
    assert!(answer.body.len() < 200);
}

/// row: P3
#[tokio::test]
async fn what_only_reads_can_be_kept_by_its_address() {
    let server = server::start().await;
    let query = "connect=v1&encoding=json&message=%7B%22id%22%3A%22018f0000-0000-7000-8000-000000000001%22%7D";
    let get = || {
        Ask::new(
            server.address,
            Version::HTTP_11,
            &format!("{GET_PRODUCT}?{query}"),
        )
        .method(Method::GET)
    };
    let first = get().send().await;
    assert_eq!(
        (first.status.as_u16(), first.json()),
        (200, json!({"product": {"id": ID}}))
    );
    assert_eq!(first.header("cache-control"), "public, max-age=60");
    let tag = first.header("etag").to_owned();
    let again = get().header("if-none-match", &tag).send().await;
    assert_eq!(
        (
            again.status.as_u16(),
            again.body.len(),
            again.header("etag")
        ),
        (304, 0, &*tag)
    );
    let person = get()
        .header(
            "authorization",
            &server.token(Uuid::nil(), &[Role::Customer]),
        )
        .send()
        .await;
    assert_eq!(person.header("cache-control"), "private, no-store");
    let missing = get().header("if-none-match", "\"other\"").send().await;
    assert_eq!(missing.status, 200);
}

/// row: P4, P5, P6
#[tokio::test]
async fn a_server_stream_ends_in_its_own_protocols_way() {
    let server = server::start().await;
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    for (cursor, code) in [("end", "ok"), ("error", "aborted")] {
        let request = WatchUserRequest {
            user_id: ID.to_owned(),
            cursor: cursor.to_owned(),
            ..Default::default()
        };
        let json = serde_json::to_vec(&request).unwrap();
        let proto = prost::Message::encode_to_vec(&request);
        for (kind, version, message) in [
            ("application/connect+json", Version::HTTP_11, &json),
            ("application/connect+proto", Version::HTTP_2, &proto),
            ("application/grpc", Version::HTTP_2, &proto),
            ("application/grpc-web+proto", Version::HTTP_11, &proto),
        ] {
            let answer = Ask::new(server.address, version, WATCH)
                .header("content-type", kind)
                .header("authorization", &token)
                .body(envelope(0, message))
                .send()
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (200, code),
                "{kind}"
            );
            let frames = envelopes(&answer.body);
            let messages = frames.iter().filter(|(flags, _)| *flags == 0).count();
            assert_eq!(messages, 2, "{kind}");
            if kind.starts_with("application/connect+") {
                let (flags, end) = frames.last().unwrap();
                let end: serde_json::Value = serde_json::from_slice(end).unwrap();
                assert_eq!((*flags, &end["metadata"]["x-tail"]), (2, &json!(["2"])));
            }
            if kind == "application/grpc" {
                assert_eq!(answer.trailers["x-tail"], "2");
            }
        }
    }
}

/// row: P5
#[tokio::test]
async fn headers_and_trailers_reach_every_protocol() {
    let server = server::start().await;
    for door in Door::ALL {
        let answer = Ask::door(server.address, door, SIGN_UP, &named("metadata"))
            .send()
            .await;
        assert_eq!(answer.header("x-head"), "1", "{door:?}");
        let web = String::from_utf8_lossy(&answer.body).to_lowercase();
        let tail = match door {
            Door::ConnectJson | Door::ConnectProto => answer.header("trailer-x-tail") == "2",
            Door::Grpc => answer.trailers["x-tail"] == "2",
            Door::GrpcWeb | Door::GrpcWebText => {
                web.contains("x-tail:2") || web.contains("x-tail: 2")
            }
        };
        assert!(tail, "{door:?}: {answer:?}");
    }
}

/// row: P7
#[tokio::test]
async fn a_bidi_stream_over_http1_is_refused_at_once_and_named() {
    let server = server::start().await;
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let began = std::time::Instant::now();
    let answer = Ask::new(server.address, Version::HTTP_11, CHAT)
        .header("content-type", "application/connect+json")
        .header("authorization", &token)
        .body(envelope(0, b"{}"))
        .send()
        .await;
    assert_eq!(answer.status, 505);
    assert_eq!(answer.json()["code"], "unimplemented");
    assert!(began.elapsed().as_secs() < 1);
}

/// row: P1
#[tokio::test]
async fn an_error_detail_is_the_same_on_connect_and_grpc() {
    let server = server::start().await;
    let connect = Ask::door(server.address, Door::ConnectJson, SIGN_UP, &named("error"))
        .send()
        .await;
    let detail = &connect.json()["details"][0];
    assert_eq!(detail["type"], "google.rpc.ErrorInfo");
    let grpc = Ask::door(server.address, Door::Grpc, SIGN_UP, &named("error"))
        .send()
        .await;
    let bin = grpc
        .trailers
        .get("grpc-status-details-bin")
        .or(grpc.headers.get("grpc-status-details-bin"));
    assert!(bin.is_some());
}

/// row: P18
#[tokio::test]
async fn a_violation_names_its_field_on_every_protocol() {
    let server = server::start().await;
    for door in Door::ALL {
        let answer = Ask::door(server.address, door, SIGN_UP, &named("valid"))
            .send()
            .await;
        assert_eq!(answer.code(), "invalid_argument", "{door:?}");
    }
    let answer = Ask::door(server.address, Door::ConnectJson, SIGN_UP, &named("valid"))
        .send()
        .await;
    let detail = &answer.json()["details"][0];
    assert_eq!(detail["type"], "buf.validate.Violations");
    assert!(answer.json()["message"].as_str().unwrap().contains("email"));
}

/// row: O2, AP6
#[tokio::test]
async fn a_correlation_id_is_kept_if_it_is_one_and_minted_if_not() {
    let server = server::start().await;
    let ask = |id: &str| {
        let request = GetProductRequest { id: ID.to_owned() };
        Ask::door(server.address, Door::ConnectJson, GET_PRODUCT, &request)
            .header("x-correlation-id", id)
    };
    assert_eq!(
        ask("mine-1").send().await.header("x-correlation-id"),
        "mine-1"
    );
    let long = "x".repeat(129);
    for bad in ["a b", "<script>", &long] {
        let minted = ask(bad).send().await.header("x-correlation-id").to_owned();
        assert!(minted.len() == 32 && minted != bad, "{minted}");
    }
}

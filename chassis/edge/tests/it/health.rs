//! Alive, ready, and the same to load balancers.

use std::time::Duration;

use http::{Method, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use prost::Message;
use proto::grpc::health::v1::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use tokio::time::timeout;

use crate::client::{Answer, Ask, Door, envelope, envelopes};
use crate::server::{self, Options, Server};

const CHECK: &str = proto::grpc::health::v1::health::CHECK;
const LIST: &str = proto::grpc::health::v1::health::LIST;
const WATCH: &str = proto::grpc::health::v1::health::WATCH;

async fn get(server: &Server, path: &str) -> Answer {
    Ask::new(server.address, Version::HTTP_11, path)
        .method(Method::GET)
        .send()
        .await
}

async fn check(server: &Server, service: &str) -> Result<i32, String> {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = Ask::door(server.address, Door::ConnectProto, CHECK, &request)
        .send()
        .await;
    match answer.status.is_success() {
        true => Ok(HealthCheckResponse::decode(&*answer.body).unwrap().status),
        false => Err(answer.code()),
    }
}

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;
const SERVICE_UNKNOWN: i32 = 3;

/// row: O7, O8, O9, O10, P8
#[tokio::test]
async fn liveness_is_the_process_and_readiness_its_dependencies() {
    let options = Options {
        ready: false,
        ..Options::default()
    };
    let server = server::start_with(options).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let alive = Ask::new(server.address, version, "/healthz")
            .method(Method::GET)
            .send()
            .await;
        assert_eq!(alive.status, 200);
    }
    for path in ["/readyz", "/health"] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 503);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("database"),
            "causes are for the admin"
        );
    }
    assert_eq!(check(&server, "").await, Ok(NOT_SERVING));
    assert_eq!(check(&server, "support").await, Ok(NOT_SERVING));
    assert_eq!(
        check(&server, "catalog").await,
        Ok(SERVING),
        "its own dependencies are well"
    );
    assert_eq!(
        check(&server, "stoa.catalog.v1.CatalogService").await,
        Ok(SERVING)
    );
    assert_eq!(check(&server, "liveness").await, Ok(SERVING));
    let unknown = HealthCheckRequest {
        service: "nothing".to_owned(),
    };
    for door in Door::ALL {
        let answer = Ask::door(server.address, door, CHECK, &unknown)
            .send()
            .await;
        assert_eq!(answer.code(), "not_found", "{door:?}");
        if door == Door::Grpc {
            assert_eq!(answer.grpc().0, 5);
        }
    }
    assert_eq!(
        server.health.detail()["components"][0]["cause"],
        "it is away"
    );
}

/// What is listed is what is answered for each name.
///
/// row: O9
#[tokio::test]
async fn a_list_has_every_service_as_a_check_of_it_has() {
    let options = Options {
        ready: false,
        ..Options::default()
    };
    let server = server::start_with(options).await;
    let list = async || {
        let request = HealthListRequest::default();
        let answer = Ask::door(server.address, Door::ConnectProto, LIST, &request)
            .send()
            .await;
        assert_eq!(answer.code(), "ok");
        HealthListResponse::decode(&*answer.body).unwrap().statuses
    };
    let begun = tokio::time::Instant::now();
    while check(&server, "catalog").await != Ok(SERVING) {
        assert!(begun.elapsed() < Duration::from_secs(10), "never checked");
    }
    let statuses = list().await;
    for (name, is) in [
        ("", NOT_SERVING),
        ("liveness", SERVING),
        ("catalog", SERVING),
        ("support", NOT_SERVING),
        ("stoa.catalog.v1.CatalogService", SERVING),
        ("stoa.user.v1.AuthService", SERVING),
        ("stoa.user.v1.UserService", SERVING),
        ("stoa.support.v1.SupportService", NOT_SERVING),
    ] {
        assert_eq!(statuses[name].status, is, "{name}");
    }
    for (name, listed) in &statuses {
        assert_eq!(check(&server, name).await, Ok(listed.status), "{name}");
    }
    let rest = ["user", "health", "grpc.health.v1.Health"];
    assert_eq!(statuses.len(), 8 + rest.len(), "{statuses:?}");
    server.draining.cancel();
    for (name, listed) in list().await {
        let is = if name == "liveness" {
            SERVING
        } else {
            NOT_SERVING
        };
        assert_eq!(listed.status, is, "{name}");
    }
}

/// row: O8, O9, O12
#[tokio::test]
async fn draining_is_told_at_once_and_ends_every_watch() {
    let server = server::start().await;
    server.health.wait_ready().await;
    assert_eq!(get(&server, "/readyz").await.status, 200);
    let watch = async |service: &str| watch(&server, "application/grpc", service).await;
    let first = timeout(Duration::from_secs(2), async {
        (watch("").await, watch("nothing").await)
    });
    let ((known, mut stays), (unknown, mut stays_too)) = first.await.expect("told at once");
    assert_eq!((known, unknown), (vec![SERVING], vec![SERVICE_UNKNOWN]));
    let more = timeout(Duration::from_millis(200), async {
        tokio::select! {
            _ = stays.frame() => {}
            _ = stays_too.frame() => {}
        }
    });
    assert!(more.await.is_err(), "a watch stays open");
    server.draining.cancel();
    assert_eq!(get(&server, "/readyz").await.status, 503);
    assert_eq!(get(&server, "/healthz").await.status, 200);
    let rest = stays.collect().await.unwrap().to_bytes();
    assert_eq!(statuses(&rest), [NOT_SERVING]);
    let rest = stays_too.collect().await.unwrap().to_bytes();
    assert!(rest.is_empty(), "{rest:?}");
}

/// Begins to watch; what is said first.
async fn watch(server: &Server, kind: &str, service: &str) -> (Vec<i32>, Incoming) {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let ask = Ask::new(server.address, Version::HTTP_2, WATCH)
        .header("content-type", kind)
        .body(envelope(0, &request.encode_to_vec()));
    let mut body = ask.begin().await.into_body();
    let frame = body.frame().await.unwrap().unwrap();
    (statuses(&frame.into_data().unwrap()), body)
}

/// Each name has a state of its own, on whatever protocol a balancer watches it.
///
/// row: O9
#[tokio::test]
async fn a_watch_of_each_name_tells_its_own_state_on_each_protocol() {
    let options = Options {
        ready: false,
        ..Options::default()
    };
    let server = server::start_with(options).await;
    let begun = tokio::time::Instant::now();
    while check(&server, "catalog").await != Ok(SERVING) {
        assert!(begun.elapsed() < Duration::from_secs(10), "never checked");
    }
    let mut open = Vec::new();
    for kind in [
        "application/grpc",
        "application/grpc-web+proto",
        "application/connect+proto",
    ] {
        for (name, is, last) in [
            ("", NOT_SERVING, None),
            ("liveness", SERVING, None),
            ("catalog", SERVING, Some(NOT_SERVING)),
            ("support", NOT_SERVING, None),
            ("stoa.catalog.v1.CatalogService", SERVING, Some(NOT_SERVING)),
            ("stoa.support.v1.SupportService", NOT_SERVING, None),
            ("nothing", SERVICE_UNKNOWN, None),
            ("stoa.nothing.v1.NoService", SERVICE_UNKNOWN, None),
        ] {
            let watching = timeout(Duration::from_secs(5), watch(&server, kind, name));
            let (told, body) = watching.await.expect("told at once");
            assert_eq!(told, [is], "{kind} {name}");
            open.push((kind, name, last, body));
        }
    }
    server.draining.cancel();
    for (kind, name, last, body) in open {
        let rest = timeout(Duration::from_secs(5), body.collect());
        let rest = rest.await.expect("it ends").unwrap().to_bytes();
        assert_eq!(statuses(&rest), Vec::from_iter(last), "{kind} {name}");
    }
}

/// What each message says, but for the last of a protocol that ends by one.
fn statuses(messages: &[u8]) -> Vec<i32> {
    let all = envelopes(messages).into_iter();
    let all = all.filter(|(flags, _)| *flags == 0);
    all.map(|(_, bytes)| HealthCheckResponse::decode(&*bytes).unwrap().status)
        .collect()
}

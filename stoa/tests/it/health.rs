//! Alive, ready, and the way out.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use http::StatusCode;
use prost_reflect::DescriptorPool;
use serde_json::json;
use testkit::process::Process;

use crate::reflection::shown;
use crate::shop::{Door, STOPS_WITHIN, Shop, binary, stoa};
use crate::wires::WIRES;

/// row: O7, O8, O10, P8, S-07
#[tokio::test]
async fn readiness_is_bare_in_public_and_named_at_the_admin_listener() {
    let shop = Shop::up().await;
    for path in ["/healthz", "/readyz", "/health"] {
        assert_eq!(shop.door.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert!(!String::from_utf8_lossy(&shop.door.get("/readyz").await.bytes).contains("database"));
    let admin = Door::new(shop.admin.clone());
    let detail = admin.get("/readyz").await.json();
    assert_eq!(detail["ready"], true);
    assert!(
        detail["components"]
            .as_array()
            .is_some_and(|all| all.len() >= 6),
        "{detail}"
    );
    let tasks = detail["tasks"].as_array().expect("tasks are listed");
    let runs = |service: &str, name: &str| {
        let found = tasks
            .iter()
            .find(|task| task["service"] == service && task["name"] == name);
        found.is_some_and(|task| task["running"] == true && task["panics"] == 0)
    };
    for (service, name) in [
        ("stoa", "health"),
        ("stoa", "token keys"),
        ("edge", "rate limits"),
        ("user", "signing keys"),
        ("inventory", "housekeeping"),
        ("order", "checkouts"),
        ("order", "outbox tail"),
        ("payment", "housekeeping"),
    ] {
        assert!(runs(service, name), "{name} of {service} in {detail}");
    }
    assert_eq!(admin.get("/build").await.json()["target"], "stoa");
    for path in ["/metrics", "/build"] {
        let public = shop.door.get(path).await;
        assert!(
            !String::from_utf8_lossy(&public.bytes).contains("store_commits_total"),
            "{path}"
        );
        assert_ne!(public.json()["target"], "stoa", "{path}");
    }
}

/// row: O9, P5
#[tokio::test]
async fn every_mounted_service_is_listed_as_well_in_every_protocol() {
    let shop = Shop::up().await;
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("the contract loads");
    let health = pool.get_service_by_name("grpc.health.v1.Health");
    let health = health.expect("it is in the contract");
    let list = health.methods().find(|rpc| rpc.name() == "List");
    let list = list.expect("it has the list");
    for wire in WIRES {
        let told = wire.call(&shop.door, &list, &json!({}), &[]).await;
        assert_eq!(told.code, "ok", "{wire:?}: {told:?}");
        let message = serde_json::to_value(told.message).expect("it has a JSON form");
        let statuses = message["statuses"].as_object().expect("a map");
        let mut named = shown()
            .into_iter()
            .chain(["".to_owned(), "order".to_owned()]);
        assert!(
            named.all(|name| statuses[&name]["status"] == "SERVING"),
            "{wire:?}: {message}"
        );
    }
}

/// row: O5
#[tokio::test]
async fn metrics_tell_of_requests_and_orders_with_bounded_labels() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let answer = customer.place("LMP-ARC-01", 1, "tok_ok").await;
    assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
    let admin = Door::new(shop.admin.clone());
    let text = String::from_utf8_lossy(&admin.get("/metrics").await.bytes).into_owned();
    for wanted in [
        "# TYPE http_request_duration_seconds histogram",
        "route=\"/stoa.order.v1.OrderService/CreateOrder\"",
        "rpc_server_call_duration_seconds_bucket{",
        "rpc_client_call_duration_seconds_bucket{",
        "store_commits_total{service=\"order\"}",
        "# HELP active_orders_total ",
        "process_resident_memory_bytes",
        "build_info{",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    assert!(!text.contains(&customer.id), "no label is an id");
    let (mut bounds, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let prefix = "http_request_duration_seconds_bucket{";
    for line in text.lines().filter_map(|line| line.strip_prefix(prefix)) {
        let pairs = line.split_once('}').expect("labels end").0;
        for pair in pairs.split("\",") {
            let (name, value) = pair.split_once("=\"").expect("a label has a value");
            labels.insert(name);
            if name == "le" {
                bounds.insert(value.trim_end_matches('"'));
            }
            if name == "route" {
                assert!(!value.contains('?'), "{value} is no template");
            }
        }
    }
    let wanted = ["+Inf", "0.01", "0.05", "0.1", "0.25", "0.5", "1", "2.5"];
    assert_eq!(bounds, wanted.into());
    assert_eq!(labels, ["le", "method", "route", "status_code"].into());
}

/// A target whose database is behind is alive and not ready, says what to do,
/// and is ready once somebody did it.
///
/// row: O7, O8, O11
#[tokio::test]
async fn serving_never_migrates() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().display().to_string();
    let arguments = [
        "serve",
        "user",
        "--data",
        &data,
        "--port",
        "0",
        "--admin-port",
        "0",
    ];
    let output = folder.path().join("output");
    let mut process = Process::start(binary(), arguments, &[], &output).expect("stoa is a program");
    let (public, admin) = process
        .wait_for(Duration::from_secs(30), |output| {
            let line = output.lines().find(|line| line.contains("Serving user"))?;
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            Some((
                line["public"].as_str()?.to_owned(),
                line["admin"].as_str()?.to_owned(),
            ))
        })
        .await
        .expect("it serves");
    let public = Door::new(format!("http://{public}"));
    let admin = Door::new(format!("http://{admin}"));
    assert_eq!(public.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(
        public.get("/readyz").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    let detail = admin.get("/readyz").await.json().to_string();
    assert!(detail.contains("run `stoa migrate`"), "{detail}");

    let (code, printed) = stoa(&["migrate", "user", "--data", &data], &[]).await;
    assert_eq!(code, 0, "{printed}");
    let until = tokio::time::Instant::now() + Duration::from_secs(5);
    while public.get("/readyz").await.status != StatusCode::OK {
        assert!(tokio::time::Instant::now() < until, "{}", process.output());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answer = public.call("user.v1.AuthService/GetJwks", json!({})).await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// Peers that never close, half a request and an open stream do not keep the
/// process: it ends by itself, in order, with 0.
///
/// row: O12, O-01, O-02
#[tokio::test]
async fn a_stop_does_not_wait_for_peers_that_never_close() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let address = shop
        .door
        .origin
        .trim_start_matches("http://")
        .replace("localhost", "127.0.0.1");
    let connect = || TcpStream::connect(&address).expect("it listens");
    let idle: Vec<TcpStream> = (0..20).map(|_| connect()).collect();
    let mut half = connect();
    half.write_all(b"POST /stoa.order.v1.OrderService/CreateOrder HTTP/1.1\r\nhost: x\r\n")
        .expect("it is open");
    let mut stream = connect();
    let message = json!({"userId": customer.id}).to_string();
    let mut body = vec![0];
    body.extend_from_slice(
        &u32::try_from(message.len())
            .expect("it is short")
            .to_be_bytes(),
    );
    body.extend_from_slice(message.as_bytes());
    let token = customer.door.token.as_deref().expect("signed in");
    write!(stream, "POST /stoa.order.v1.OrderService/WatchOrderUpdates HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/connect+json\r\ncontent-length: {}\r\n\r\n", body.len()).expect("it is open");
    stream.write_all(&body).expect("it is open");
    let placed = customer.place("LMP-ARC-01", 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);

    shop.process.terminate();
    let status = shop
        .process
        .wait(STOPS_WITHIN)
        .await
        .expect("it ends in time");
    assert_eq!(status.code(), Some(0), "{}", shop.process.output());
    let mut told = String::new();
    stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .expect("a second is a time");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    told.push_str(&String::from_utf8_lossy(&bytes));
    assert!(
        told.contains("unavailable"),
        "the stream's end says why: {told}"
    );
    drop((idle, half));
    shop.restart().await;
    let read = customer
        .door
        .call(
            "order.v1.OrderService/ListOrders",
            json!({"userId": customer.id}),
        )
        .await;
    assert_eq!(
        read.json()["orders"].as_array().map(Vec::len),
        Some(1),
        "what was told is still there"
    );
}

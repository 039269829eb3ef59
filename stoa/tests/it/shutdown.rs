//! A stop under load: who was let in is served.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::header::CONNECTION;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use testkit::process::Process;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::fleet::Fleet;
use crate::shop::{Customer, Door, STOPS_WITHIN, Shop};

/// What the balancers get to notice, written as the configuration wants it.
const PRE_STOP_SECONDS: &str = "0.2";
const PRE_STOP: Duration = Duration::from_millis(200);
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Callers, each with a connection of its own, every other one by HTTP/2.
const CALLERS: usize = 12;
/// From call to call of one caller: 300 calls a second in all.
const EVERY: Duration = Duration::from_millis(40);
/// Calls that are served before the stop.
const BEFORE: u32 = 250;
const ROUNDS: usize = 3;
const SKU: &str = "MUG-STR-01";

/// row: O12, O-01
#[tokio::test]
async fn a_stop_of_the_one_process_under_load_fails_no_call() {
    let mut shop = Shop::up_with(&[("STOA_PRE_STOP_SECONDS", PRE_STOP_SECONDS.to_owned())]).await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let calls = calls(&customer).await;
    for round in 0..ROUNDS {
        let (_, rpc, message) = &calls[round % calls.len()];
        let door = customer.door.clone();
        stop_under_load("up", &mut shop.process, door, rpc, message).await;
        shop.restart().await;
    }
}

/// row: O12, O-01
#[tokio::test]
async fn a_stop_of_any_target_under_load_fails_no_call() {
    let mut fleet = Fleet::start_with(&[("STOA_PRE_STOP_SECONDS", PRE_STOP_SECONDS)]).await;
    let customer = fleet
        .gateway
        .sign_in("customer@stoa.test", "stoa-demo")
        .await;
    let calls = calls(&customer).await;
    let known: Vec<_> = calls.iter().map(|(target, ..)| *target).collect();
    assert!(
        migrations::services().all(|name| known.contains(&name)),
        "{known:?}"
    );
    for (target, rpc, message) in &calls {
        for _ in 0..ROUNDS {
            let mut door = fleet.door(target);
            door.token.clone_from(&customer.door.token);
            let process = fleet.processes.get_mut(target).expect("it runs");
            stop_under_load(target, process, door, rpc, message).await;
            fleet.launch(target);
            fleet.wait_ready(target).await;
        }
    }
}

/// A call that each target answers with 200.
async fn calls(customer: &Customer) -> Vec<(&'static str, &'static str, Value)> {
    let placed = customer.place(SKU, 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
    let order = placed.json()["order"]["id"].clone();
    let (user, sku) = (&customer.id, json!({"sku": SKU}));
    vec![
        (
            "gateway",
            "catalog.v1.CatalogService/ListProducts",
            json!({"pageSize": 1}),
        ),
        ("user", "user.v1.UserService/GetUser", json!({"id": user})),
        (
            "catalog",
            "catalog.v1.CatalogService/ListProducts",
            json!({"pageSize": 1}),
        ),
        ("pricing", "pricing.v1.PricingService/GetPrice", sku.clone()),
        ("inventory", "inventory.v1.InventoryService/CheckStock", sku),
        (
            "order",
            "order.v1.OrderService/ListOrders",
            json!({"userId": user}),
        ),
        (
            "payment",
            "payment.v1.PaymentService/GetPayment",
            json!({"orderId": order}),
        ),
        (
            "recommendation",
            "recommendation.v1.RecommendationService/GetSuggestions",
            json!({}),
        ),
    ]
}

async fn stop_under_load(
    target: &str,
    process: &mut Process,
    door: Door,
    rpc: &str,
    message: &Value,
) {
    let path = format!("{}/stoa.{rpc}", door.origin);
    let token = door.token.clone().expect("signed in");
    let request = || {
        let request = Request::post(&path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.body(Full::from(message.to_string()));
        request.expect("it is a request")
    };
    let served = Semaphore::new(0);
    let callers = (0..CALLERS).map(|caller| call_until_closed(request, caller % 2 == 0, &served));
    let stop = async {
        let before = served.acquire_many(BEFORE).await;
        before.expect("it is never closed").forget();
        // Let in before the stop, so that it is told what comes.
        assert_eq!(door.get("/readyz").await.status, StatusCode::OK);
        process.terminate();
        let begun = Instant::now();
        while door.get("/readyz").await.status != StatusCode::SERVICE_UNAVAILABLE {
            assert!(begun.elapsed() < PRE_STOP, "still ready");
        }
        let told = begun.elapsed();
        let status = process.wait(STOPS_WITHIN).await;
        (status.expect("it ends in time"), told, begun.elapsed())
    };
    let (failures, (status, told, took)) = tokio::join!(join_all(callers), stop);
    let failures = failures.concat();
    let served = BEFORE as usize + served.available_permits();
    println!("{target}: {served} calls served, not ready after {told:?}, stopped after {took:?}");
    assert_eq!(failures, Vec::<String>::new(), "{target}");
    assert!(took >= PRE_STOP, "the listener closed at once");
    assert!(took <= PRE_STOP + DRAIN_MAX, "the drain took {took:?}");
    assert_eq!(status.code(), Some(0), "{}", process.output());
}

/// Calls on one connection until it is told to leave; counts what was served, and says what went wrong
/// before that. As one behind a balancer it takes no new connection from a server that stops.
async fn call_until_closed(
    request: impl Fn() -> Request<Full<Bytes>>,
    http2: bool,
    served: &Semaphore,
) -> Vec<String> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .pool_max_idle_per_host(1)
        .build_http();
    let mut failures = Vec::new();
    let mut next = interval(EVERY);
    next.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while failures.len() <= 3 {
        next.tick().await;
        match client.request(request()).await {
            Ok(response) => {
                let status = response.status();
                let leave = response.headers().contains_key(CONNECTION);
                let body = response.into_body().collect().await;
                if status != StatusCode::OK || body.is_err() {
                    failures.push(format!("http2 {http2}: {status} {body:?}"));
                }
                served.add_permits(1);
                if leave {
                    break;
                }
            }
            // The listener is closed, or the stream was never begun: nobody was let in.
            Err(error) if error.is_connect() || never_sent(&error) => break,
            Err(error) => failures.push(format!("http2 {http2}: {error:?}")),
        }
    }
    failures
}

/// HTTP/2's GOAWAY came before the request went out.
fn never_sent(error: &hyper_util::client::legacy::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.to_string().contains("canceled") {
            return true;
        }
        source = cause.source();
    }
    false
}

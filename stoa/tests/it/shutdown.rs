//! A stop under load: who was let in is served.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::header::CONNECTION;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{Instant, sleep};

use crate::shop::{Door, Shop};

/// What the balancers get to notice.
const PRE_STOP: Duration = Duration::from_secs(1);
/// Callers of each protocol, each with a connection of its own.
const CALLERS: usize = 6;
/// Between two calls of a caller: some 300 calls a second in all.
const PAUSE: Duration = Duration::from_millis(30);
const ROUNDS: usize = 3;

/// row: O12, O-01
#[tokio::test]
async fn a_stop_under_load_fails_no_call() {
    for round in 0..ROUNDS {
        stop_under_load(round).await;
    }
}

async fn stop_under_load(round: usize) {
    let seconds = PRE_STOP.as_secs().to_string();
    let mut shop = Shop::up_with(&[("STOA_PRE_STOP_SECONDS", seconds)]).await;
    let origin = shop.door.origin.clone();
    let served = AtomicUsize::new(0);
    let callers =
        (0..CALLERS * 2).map(|caller| call_until_closed(&origin, caller % 2 == 0, &served));
    let stop = async {
        sleep(Duration::from_secs(1)).await;
        shop.process.terminate();
        let begun = Instant::now();
        // A new connection is still served, and told that it should not have come.
        let door = Door::new(origin.clone());
        while door.get("/readyz").await.status != StatusCode::SERVICE_UNAVAILABLE {
            assert!(begun.elapsed() < Duration::from_millis(500), "still ready");
        }
        let status = shop.process.wait(Duration::from_secs(25)).await;
        (status.expect("it ends in time"), begun.elapsed())
    };
    let (failures, (status, took)) = tokio::join!(join_all(callers), stop);
    let served = served.into_inner();
    println!("round {round}: {served} calls served, stopped after {took:?}");
    assert_eq!(failures.concat(), Vec::<String>::new());
    assert!(served > 100, "only {served} calls");
    assert!(took >= PRE_STOP, "the listener closed at once");
    assert_eq!(status.code(), Some(0), "{}", shop.process.output());
}

/// Calls on one connection until it is told to leave; what went wrong before that. As one behind
/// a balancer it takes no new connection from a server that stops.
async fn call_until_closed(origin: &str, http2: bool, served: &AtomicUsize) -> Vec<String> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .pool_max_idle_per_host(1)
        .build_http();
    let mut failures = Vec::new();
    loop {
        let request = Request::post(format!(
            "{origin}/stoa.catalog.v1.CatalogService/ListProducts"
        ))
        .header("content-type", "application/json")
        .body(Full::from(r#"{"pageSize":1}"#));
        match client.request(request.expect("it is a request")).await {
            Ok(response) => {
                let status = response.status();
                let leave = response.headers().contains_key(CONNECTION);
                let body = response.into_body().collect().await;
                if status != StatusCode::OK || body.is_err() {
                    failures.push(format!("http2 {http2}: {status} {body:?}"));
                }
                served.fetch_add(1, Ordering::Relaxed);
                if leave {
                    return failures;
                }
            }
            // The listener is closed, or the stream was never begun: nobody was let in.
            Err(error) if error.is_connect() || never_sent(&error) => return failures,
            Err(error) => failures.push(format!("http2 {http2}: {error:?}")),
        }
        if failures.len() > 3 {
            return failures;
        }
        sleep(PAUSE).await;
    }
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

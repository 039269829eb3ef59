//! A stop while many watch, and many more hold connections that they do not use.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::shop::{Customer, Shop};
use crate::watches::{Connections, Watch};

const RPC: &str = "order.v1.OrderService/WatchOrderUpdates";
const SKU: &str = "MUG-STR-01";
/// Connections, and streams on each: one address may hold a hundred of the one, and of the other.
const CONNECTIONS: usize = 4;
const STREAMS: usize = 50;
/// Connections that come to no point: silent, halfway into HTTP/2, halfway into a head.
const HELD: [(usize, &[u8]); 3] = [
    (50, b""),
    (10, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    (
        10,
        b"POST /stoa.order.v1.OrderService/CreateOrder HTTP/1.1\r\nhost: x\r\n",
    ),
];
/// From the end of the last stream to the exit: those in [`HELD`] have 2 s, a stream on the admin listener has one.
const LAST_MAX: Duration = Duration::from_secs(6);
const EXIT_MAX: Duration = Duration::from_secs(25);

/// Peers that never close keep nobody; each stream is told `unavailable`, and whoever comes back
/// with the cursor of the last update gets what came after it, once.
///
/// row: O-02, O12, X6
#[tokio::test]
async fn a_stop_ends_every_stream_and_waits_for_no_peer() {
    let mut shop = Shop::up_with(&[("STOA_PRE_STOP_SECONDS", "0.2".to_owned())]).await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let message = json!({"userId": customer.id});
    let mut watches = Vec::new();
    for _ in 0..CONNECTIONS {
        let client: Connections = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        for _ in 0..STREAMS {
            watches.push(Watch::open(&client, &customer.door, RPC, &message).await);
        }
    }
    let held = hold(&shop.door.origin).await;
    let describing = describe(&shop.admin).await;
    let placed = order(&customer).await;

    shop.process.terminate();
    let begun = Instant::now();
    let mut cursors = Vec::new();
    for watch in watches {
        let (updates, end) = watch.end().await;
        assert_eq!(end["error"]["code"], "unavailable", "{end}");
        let last = updates.last().expect("it saw the order");
        assert_eq!(last["orderId"], placed, "{last}");
        assert_eq!(last["status"], "ORDER_STATUS_CONFIRMED", "{last}");
        cursors.push(last["cursor"].clone());
    }
    let told = begun.elapsed();
    let status = shop.process.wait(EXIT_MAX).await.expect("it ends in time");
    println!(
        "streams told after {told:?}, stopped after {:?}",
        begun.elapsed()
    );
    assert_eq!(status.code(), Some(0), "{}", shop.process.output());
    let last = begun.elapsed() - told;
    assert!(last < LAST_MAX, "it waited for somebody: {last:?}");
    drop((held, describing));

    shop.restart().await;
    let missed = order(&customer).await;
    let message = json!({"userId": customer.id, "cursor": cursors[0]});
    let client: Connections = Client::builder(TokioExecutor::new()).build_http();
    let mut resumed = Watch::open(&client, &customer.door, RPC, &message).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&json!("ORDER_STATUS_CONFIRMED")) {
        let update = resumed.next().await;
        assert_eq!(
            update["orderId"], missed,
            "what was seen comes again: {update}"
        );
        seen.push(update["status"].clone());
    }
    let mut once = seen.clone();
    once.dedup();
    assert_eq!(seen, once, "each update comes once");
}

async fn order(customer: &Customer) -> Value {
    let placed = customer.place(SKU, 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
    placed.json()["order"]["id"].clone()
}

/// A stream on the admin listener whose client never ends it.
async fn describe(admin: &str) -> Response<Incoming> {
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let rpc = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let request = Request::post(format!("{admin}/{rpc}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let endless = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, Infallible>>());
    let request = request.body(endless).expect("it is a request");
    let response = client.request(request).await.expect("it answers");
    assert_eq!(response.status(), 200);
    assert!(
        !response.headers().contains_key("grpc-status"),
        "it is open"
    );
    response
}

async fn hold(origin: &str) -> Vec<TcpStream> {
    let port = origin.rsplit(':').next().expect("an origin has a port");
    let mut held = Vec::new();
    // From an address of their own.
    for (count, bytes) in HELD {
        for _ in 0..count {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            let own = "127.0.0.2:0".parse().expect("an address");
            socket.bind(own).expect("loopback is ours");
            let address = format!("127.0.0.1:{port}").parse().expect("an address");
            let mut stream = socket.connect(address).await.expect("it listens");
            stream.write_all(bytes).await.expect("it is open");
            held.push(stream);
        }
    }
    held
}

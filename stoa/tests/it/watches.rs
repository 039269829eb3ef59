//! Changes, seen as they happen.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::future::join_all;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::crash::plan::{Engine, Shape};
use crate::crash::system::System;
use crate::shop::{Customer, Door};

/// From a change to its update.
const SEEN_MAX: Duration = Duration::from_secs(1);
const CHANGES: usize = 20;
/// Who watches at once, and over how many connections: one carries a hundred streams.
const WATCHERS: usize = 256;
const CONNECTIONS: usize = 4;
/// Until all of them watch.
const OPEN_MAX: Duration = Duration::from_secs(30);
/// A call to the service that they watch, and how many there are with and without them.
const CALL_MAX: Duration = Duration::from_secs(1);
const CALLS: usize = 40;
/// How many times as long as alone it may take beside them, and what a busy machine adds to that.
const SLOWER_MAX: u32 = 3;
const NOISE: Duration = Duration::from_millis(20);

/// Many watches share the connection of one of these.
pub type Connections = Client<HttpConnector, Full<Bytes>>;

/// An open stream of Connect's JSON.
pub struct Watch {
    body: Body,
    bytes: Vec<u8>,
}

impl Watch {
    pub async fn open(client: &Connections, door: &Door, rpc: &str, message: &Value) -> Self {
        let message = message.to_string();
        let mut body = vec![0];
        let length = u32::try_from(message.len()).expect("it is short");
        body.extend(length.to_be_bytes());
        body.extend(message.into_bytes());
        let request = Request::post(format!("{}/stoa.{rpc}", door.origin))
            .header("content-type", "application/connect+json")
            .header(
                "authorization",
                format!("Bearer {}", door.token.as_deref().expect("signed in")),
            );
        let request = request.body(Full::from(body)).expect("it is a request");
        let response = client.request(request).await.expect("an answer comes");
        Self {
            body: Body::new(response.into_body()),
            bytes: Vec::new(),
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        match self.frame().await {
            (0, message) => message,
            (_, end) => panic!("the watch ended: {end}"),
        }
    }

    /// How it ends, and the messages before that.
    pub async fn end(mut self) -> (Vec<Value>, Value) {
        let mut messages = Vec::new();
        loop {
            match self.frame().await {
                (0, message) => messages.push(message),
                (_, end) => return (messages, end),
            }
        }
    }

    async fn frame(&mut self) -> (u8, Value) {
        loop {
            if let Some(([flags, length @ ..], rest)) = self.bytes.split_first_chunk::<5>() {
                let (flags, length) = (*flags, u32::from_be_bytes(*length));
                let length = usize::try_from(length).expect("a length");
                if let Some(message) = rest.get(..length) {
                    let message = serde_json::from_slice(message).expect("it is JSON");
                    self.bytes.drain(..5 + length);
                    return (flags, message);
                }
            }
            let frame = self.body.frame().await.expect("a stream says how it ends");
            let data = frame.expect("the stream is whole").into_data();
            self.bytes.extend(data.expect("a piece of the body"));
        }
    }
}

async fn changes_are_seen(engine: Engine) {
    let mut system = System::start(Shape::Split, engine, &[]).await;
    let customer = system.door().sign_up("ada@example.test").await;
    let mut there = customer.clone();
    // A file has one process.
    if matches!(engine, Engine::Postgres) {
        there.door = system.replica("user").await;
        there.door.token.clone_from(&customer.door.token);
    }
    let message = json!({"userId": customer.id});
    let rpc = "user.v1.UserService/WatchUserUpdates";
    let mut slowest = Duration::ZERO;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut watch = Watch::open(&client, &customer.door, rpc, &message).await;
    for change in 0..CHANGES {
        // By turns at the process that watches, and at another one where there is one.
        let by = [&customer, &there][change % 2];
        let name = format!("Ada {change}");
        let message = json!({"id": customer.id, "name": name});
        let changed = by
            .door
            .call("user.v1.UserService/UpdateUser", message)
            .await;
        let begun = Instant::now();
        assert_eq!(changed.code(), "ok", "{:?}", changed.bytes);
        let update = timeout(Duration::from_secs(30), watch.next()).await;
        let update = update.expect("an update arrives");
        slowest = slowest.max(begun.elapsed());
        assert_eq!(update["user"]["name"], name.as_str(), "{update}");
    }
    println!("{engine:?}: seen after {slowest:?} at most");
    assert!(slowest <= SEEN_MAX, "seen only after {slowest:?}");
}

/// row: D3
#[tokio::test]
async fn a_change_is_seen_within_a_second_on_sqlite() {
    changes_are_seen(Engine::Sqlite).await;
}

/// On a server of its own: a fact is shown once every older transaction of the server is over.
///
/// row: D3
#[tokio::test]
async fn a_change_is_seen_within_a_second_on_postgresql() {
    changes_are_seen(Engine::Postgres).await;
}

/// What half of some calls take at most, one after another.
async fn calls(customer: &Customer) -> Duration {
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let begun = Instant::now();
        let message = json!({"id": customer.id});
        let asked = customer.door.call("user.v1.UserService/GetUser", message);
        let answer = timeout(CALL_MAX, asked).await;
        let answer = answer.expect("it is answered, whoever watches");
        assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
        took.push(begun.elapsed());
    }
    took.sort();
    took[CALLS / 2]
}

/// Who watches takes nothing from who calls: the way from the gateway to the service has room for both.
///
/// row: C5
#[tokio::test]
async fn watchers_keep_nobody_from_the_service_they_watch() {
    let system = System::start(Shape::Split, Engine::Sqlite, &[]).await;
    let customer = system.door().sign_up("ada@example.test").await;
    let message = json!({"userId": customer.id});
    let clients: Vec<Connections> = (0..CONNECTIONS)
        .map(|_| {
            Client::builder(TokioExecutor::new())
                .http2_only(true)
                .build_http()
        })
        .collect();
    let rpc = "user.v1.UserService/WatchUserUpdates";
    let opening = (0..WATCHERS).map(|watcher| {
        Watch::open(
            &clients[watcher % CONNECTIONS],
            &customer.door,
            rpc,
            &message,
        )
    });
    let alone = calls(&customer).await;
    let opened = timeout(OPEN_MAX, join_all(opening)).await;
    let mut watches = opened.expect("all of them watch");
    let beside = calls(&customer).await;
    println!("half of the calls took {alone:?} alone, {beside:?} beside {WATCHERS} watchers");
    assert!(
        beside <= alone * SLOWER_MAX + NOISE,
        "{beside:?} after {alone:?}"
    );
    let renamed = json!({"id": customer.id, "name": "Ada"});
    let changed = customer
        .door
        .call("user.v1.UserService/UpdateUser", renamed);
    assert_eq!(changed.await.code(), "ok");
    let updates = join_all(watches.iter_mut().map(Watch::next));
    let updates = timeout(OPEN_MAX, updates).await;
    for update in updates.expect("all of them see it") {
        assert_eq!(update["user"]["name"], "Ada", "{update}");
    }
}

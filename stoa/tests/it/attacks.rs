//! Clients that mean harm, at the real program in both shapes: what they do costs others nothing and leaves nothing
//! behind. What each kind of them meets is tried one by one beside the edge, in `crowd`, `unread` and `floods`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::future::join_all;
use futures::{StreamExt, stream};
use http::{Request, StatusCode};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::fleet::Fleet;
use crate::leaks;
use crate::shop::{Customer, Door, Shop};
use crate::watches::{Connections, Watch};

const GET: &str = "catalog.v1.CatalogService/GetProduct";
const LIST: &str = "catalog.v1.CatalogService/ListProducts";
const SKU: &str = "MUG-STR-01";
/// Streams on one connection.
const PER_CONNECTION: usize = 95;
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Whoever calls as one should, from an address of his own.
pub const HONEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 250);

/// A running suite, whichever its shape.
pub enum Suite {
    Up(Box<Shop>),
    Split(Box<Fleet>),
}

impl Suite {
    async fn both() -> [Self; 2] {
        let up = Self::Up(Box::new(Shop::up().await));
        [up, Self::Split(Box::new(Fleet::start().await))]
    }

    /// Where strangers get in: the one port, or the gateway's and a service's own.
    fn doors(&self) -> Vec<Door> {
        match self {
            Self::Up(shop) => vec![shop.door.clone()],
            Self::Split(fleet) => vec![fleet.gateway.clone(), fleet.door("catalog")],
        }
    }

    /// The processes behind them.
    fn processes(&self) -> Vec<u32> {
        match self {
            Self::Up(shop) => vec![shop.process.id()],
            Self::Split(fleet) => ["gateway", "catalog"]
                .map(|name| fleet.processes[name].id())
                .to_vec(),
        }
    }

    fn resident_kib(&self) -> u64 {
        self.processes().into_iter().map(resident_kib).sum()
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Up(_) => "up",
            Self::Split(_) => "split",
        }
    }

    /// Somebody who shops.
    async fn customer(&self) -> Customer {
        let door = self.doors()[0].used_from(HONEST);
        door.sign_in("customer@stoa.test", "stoa-demo").await
    }
}

pub fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("KiB")
}

fn address(door: &Door) -> SocketAddr {
    let port = door
        .origin
        .rsplit(':')
        .next()
        .expect("an origin has a port");
    let port = port.parse().expect("a number");
    (IpAddr::from(Ipv4Addr::LOCALHOST), port).into()
}

/// A connection from an address of this machine.
pub async fn dial(door: &Door, own: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((own, 0).into()).expect("loopback is ours");
    socket.connect(address(door)).await.expect("it listens")
}

type Connection = SendRequest<Body>;

/// An HTTP/2 connection that may be sent so many bytes of each answer unread; its end ends the task.
async fn connect(door: &Door, last: u8, window: u32) -> (Connection, JoinHandle<()>) {
    let handshake = Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(
            dial(door, Ipv4Addr::new(127, 0, 0, last)).await,
        ));
    let (sender, connection) = handshake.await.expect("it speaks HTTP/2");
    let ended = tokio::spawn(async move { drop(connection.await) });
    (sender, ended)
}

type Held = JoinHandle<()>;

/// Begins a call of a stranger, who keeps its answer and never reads it. The count is of those that were let in.
async fn begin(
    connection: &mut Connection,
    rpc: &str,
    body: Body,
    let_in: &Arc<AtomicUsize>,
) -> Held {
    let request = Request::post(format!("http://shop/stoa.{rpc}"))
        .header("content-type", "application/json")
        .header("connect-timeout-ms", "30000")
        .body(body);
    connection.ready().await.expect("it is open");
    let answer = connection.send_request(request.expect("it is a request"));
    let let_in = let_in.clone();
    tokio::spawn(async move {
        let held = answer.await;
        if held
            .as_ref()
            .is_ok_and(|held| held.status() == StatusCode::OK)
        {
            let_in.fetch_add(1, Ordering::SeqCst);
        }
        std::future::pending::<()>().await; // nobody reads it, and nobody lets it go
        drop(held);
    })
}

/// What everybody does in the shop.
async fn shop_as_ever(customer: &Customer, times: usize) {
    let mut stranger = customer.door.clone();
    stranger.token = None;
    for _ in 0..times {
        let calls = async {
            let found = stranger.call(LIST, json!({"query": "mug"})).await;
            assert_eq!(found.status, StatusCode::OK, "{:?}", found.bytes);
            let placed = customer.place(SKU, 1, "tok_ok").await;
            assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
        };
        timeout(ANSWER_MAX, calls).await.expect("promptly");
    }
}

/// row: S-14
#[tokio::test]
async fn bodies_that_never_end_shut_out_nobody() {
    const CONNECTIONS: usize = 6;
    const STREAMS: usize = 98;
    for mut suite in Suite::both().await {
        let customer = suite.customer().await;
        for addresses in [&[2][..], &[2, 3, 4, 5, 6, 7]] {
            let (mut held, mut connections) = (Vec::new(), Vec::new());
            let let_in = Arc::default();
            for door in suite.doors() {
                for number in 0..CONNECTIONS {
                    let last = addresses[number % addresses.len()];
                    let (mut connection, _) = connect(&door, last, 65_535).await;
                    for _ in 0..STREAMS {
                        let first = stream::iter([Ok::<_, axum::Error>(Bytes::from_static(b"{"))]);
                        let body = Body::from_stream(first.chain(stream::pending()));
                        held.push(begin(&mut connection, GET, body, &let_in).await);
                    }
                    connections.push(connection);
                }
            }
            shop_as_ever(&customer, 10).await;
            println!(
                "{}: {} calls that never end, {} KiB",
                suite.name(),
                held.len(),
                suite.resident_kib()
            );
            held.iter().for_each(JoinHandle::abort);
        }
        leaks::search_suite(&mut suite).await;
    }
}

/// Answers that nobody reads are over within a minute, whatever room their reader gives.
///
/// row: S-14, S-11
#[tokio::test]
async fn answers_that_nobody_reads_are_given_up() {
    join_all(Suite::both().await.map(read_nothing)).await;
}

async fn read_nothing(mut suite: Suite) {
    const ENDED_MAX: Duration = Duration::from_secs(105);
    let customer = suite.customer().await;
    let before = suite.resident_kib();
    let (mut held, mut connections, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let let_in: Arc<AtomicUsize> = Arc::default();
    for (number, door) in (0..).zip(suite.doors()) {
        // More than a gateway has places at a service, from two addresses.
        for (last, window) in [(2, 0), (2, 1), (3, 0), (3, 0), (3, 1)] {
            let (mut connection, ended) = connect(&door, last + 10 * number, window).await;
            for _ in 0..98 {
                let body = Body::from(r#"{"pageSize": 25}"#);
                held.push(begin(&mut connection, LIST, body, &let_in).await);
            }
            connections.push(connection);
            ends.push(ended);
        }
    }
    // The others are refused for want of a share, or of a place while so many come at once: strangers have 384.
    let begun_all = async {
        while let_in.load(Ordering::SeqCst) < held.len() / 3 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), begun_all)
        .await
        .expect("they are answered");
    let begun = Instant::now();
    shop_as_ever(&customer, 10).await;
    let during = suite.resident_kib();
    for end in ends {
        let left = ENDED_MAX.saturating_sub(begun.elapsed());
        timeout(left, end)
            .await
            .expect("it is over")
            .expect("no panic");
    }
    println!(
        "{}: {} answers over after {:?}; {before} KiB before, {during} meanwhile, {} after",
        suite.name(),
        held.len(),
        begun.elapsed(),
        suite.resident_kib()
    );
    shop_as_ever(&customer, 1).await;
    held.iter().for_each(JoinHandle::abort);
    leaks::search_suite(&mut suite).await;
}

/// row: S-14
#[tokio::test]
async fn two_thousand_who_say_nothing_cost_little() {
    const ADDRESSES: u8 = 20;
    const EACH: usize = 100;
    const GROWTH_MAX_KIB: u64 = 64 << 10;
    for suite in Suite::both().await {
        let customer = suite.customer().await;
        shop_as_ever(&customer, 20).await;
        let before = suite.resident_kib();
        let door = &suite.doors()[0];
        let mut held = Vec::new();
        for last in 2..2 + ADDRESSES {
            for number in 0..EACH {
                let mut stream = dial(door, Ipv4Addr::new(127, 0, 0, last)).await;
                let first: &[u8] = match number % 2 {
                    0 => b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
                    _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
                };
                stream.write_all(first).await.expect("it is open");
                let mut said = [0; 512];
                let read = stream.read(&mut said).await.expect("it is open");
                assert!(read > 0, "it was let in");
                held.push(stream);
            }
        }
        let begun = Instant::now();
        shop_as_ever(&customer, 20).await;
        let grown = suite.resident_kib().saturating_sub(before);
        println!(
            "{}: {} idle connections cost {grown} KiB; 20 purchases beside them took {:?}",
            suite.name(),
            held.len(),
            begun.elapsed()
        );
        assert!(grown < GROWTH_MAX_KIB, "{grown} KiB");
    }
}

/// More streams than one address may have at a service, of people who come to the gateway from two.
///
/// row: X12
#[tokio::test]
async fn whoever_is_behind_the_gateway_has_a_share_of_his_own() {
    const PEOPLE: usize = 6;
    const STREAMS: usize = 190;
    const RPC: &str = "order.v1.OrderService/WatchOrderUpdates";
    let fleet = Fleet::start().await;
    let mut watches = Vec::new();
    for number in 0..PEOPLE {
        let address = Ipv4Addr::new(127, 0, 0, 2 + (number % 2) as u8);
        let door = fleet.gateway.used_from(address);
        let person = door.sign_up(&format!("{number}@example.test")).await;
        for _ in 0..STREAMS.div_ceil(PER_CONNECTION) {
            let mut connector = HttpConnector::new();
            connector.set_local_address(Some(address.into()));
            connector.set_nodelay(true);
            let client: Connections = Client::builder(TokioExecutor::new())
                .http2_only(true)
                .build(connector);
            let message = json!({"userId": person.id});
            for _ in 0..PER_CONNECTION {
                watches.push(Watch::open(&client, &person.door, RPC, &message).await);
            }
        }
    }
    assert!(watches.len() > 1000, "{}", watches.len());
    // One that was refused ends at once, and says so here.
    let ends = join_all(watches.iter_mut().map(Watch::next));
    assert!(timeout(Duration::from_secs(2), ends).await.is_err());
}

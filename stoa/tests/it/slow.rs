//! Clients that are slow on purpose, at the real program and at the times that ship: heads and messages that come a byte
//! at a time are over when the row says so, and nobody else notices. The program has no listener of TLS: a handshake that
//! is never finished is tried beside the edge, in `connections`.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::future::join_all;
use http::StatusCode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::attacks::{HONEST, dial};
use crate::leaks;
use crate::shop::{Door, Shop};

const LIST: &str = "catalog.v1.CatalogService/ListProducts";
const GET: &str = "/stoa.catalog.v1.CatalogService/GetProduct";
const WATCH: &str = "/stoa.order.v1.OrderService/WatchOrderUpdates";

/// When a head is over, and when a message is.
const HEAD_MAX: Duration = Duration::from_secs(10);
const MESSAGE_MAX: Duration = Duration::from_secs(30);
/// What a busy machine adds to both.
const SLACK: Duration = Duration::from_millis(500);
/// What others call before anybody is slow.
const CALLS_ALONE: usize = 200;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// One who is slow: what he sends at first, what every second, and when he must be gone.
struct Slow {
    name: &'static str,
    first: Vec<u8>,
    then: &'static [u8],
    max: Duration,
}

fn heads() -> Vec<Slow> {
    let answered = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nx: ";
    // A frame of headers that are not all, and more of them without an end.
    let open = b"\0\0\x01\x01\0\0\0\0\x01\x83";
    [
        ("who says nothing", &b""[..], &b""[..]),
        ("a method", b"P", b"x"),
        ("half a preface", b"PRI * HTTP/2.0\r\n", b""),
        (
            "a head",
            b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ",
            b"x",
        ),
        ("a second head", answered, b"x"),
        ("a preface and no more", &PREFACE[..24], b""),
        ("half a frame", &[PREFACE, b"\0\0"].concat(), b""),
        (
            "half a head's frame",
            &[PREFACE, b"\0\x10\0\x01\x04\0\0\0\x01"].concat(),
            b"\x83",
        ),
        (
            "a head of many frames",
            &[PREFACE, open].concat(),
            b"\0\0\0\x09\0\0\0\0\x01",
        ),
    ]
    .map(|(name, first, then)| Slow {
        name,
        first: first.to_vec(),
        then,
        max: HEAD_MAX,
    })
    .into()
}

fn messages(token: &str) -> Vec<Slow> {
    let patient = "connect-timeout-ms: 3600000\r\n";
    let json = "content-type: application/json\r\ncontent-length: 1000\r\n";
    let chunked = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
    let stream = format!(
        "content-type: application/connect+json\r\ncontent-length: 1000\r\nauthorization: Bearer {token}\r\n"
    );
    [
        ("a message", GET, json.to_owned(), "{", &b" "[..]),
        (
            "a patient message",
            GET,
            format!("{json}{patient}"),
            "{",
            b" ",
        ),
        (
            "a patient one in chunks",
            GET,
            format!("{chunked}{patient}"),
            "1\r\n{\r\n",
            b"1\r\n \r\n",
        ),
        ("a stream's message", WATCH, stream, "\0\0\0\x03\0{", b" "),
    ]
    .map(|(name, path, headers, body, then)| Slow {
        name,
        first: format!("POST {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n{body}").into(),
        then,
        max: MESSAGE_MAX,
    })
    .into()
}

/// How long the server has to do with somebody who is slow.
async fn closed_after(door: &Door, own: Ipv4Addr, slow: &Slow) -> Duration {
    let (mut read, mut write) = dial(door, own).await.into_split();
    let begun = Instant::now();
    write.write_all(&slow.first).await.expect("it is open");
    let mut said = Vec::new();
    let closed = read.read_to_end(&mut said);
    let sending = async {
        let mut seconds = interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
            let _ = write.write_all(slow.then).await; // whoever reads knows that it is closed
        }
    };
    tokio::select! {
        _ = timeout(slow.max * 2, closed) => {} // a reset is an end too
        () = sending => {}
    }
    begun.elapsed()
}

/// Calls as one should, each time over a connection of its own, until it is enough.
async fn others(door: &Door, enough: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !enough(times.len()) {
        let begun = Instant::now();
        let door = door.used_from(HONEST);
        let found = door.call(LIST, json!({"query": "mug"})).await;
        assert_eq!(found.status, StatusCode::OK);
        times.push(begun.elapsed());
    }
    times
}

/// row: S-14, X21
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_times_that_ship_who_is_slow_is_closed_and_nobody_else_notices() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let token = customer.door.token.expect("signed in");
    let alone = proof::p99(others(&shop.door, |calls| calls == CALLS_ALONE).await);
    let all: Vec<Slow> = heads().into_iter().chain(messages(&token)).collect();
    let over = CancellationToken::new();
    let slow = async {
        let each = (2..).zip(&all).map(async |(last, slow)| {
            let took = closed_after(&shop.door, Ipv4Addr::new(127, 0, 0, last), slow).await;
            println!("{}: closed after {took:?}", slow.name);
            took
        });
        let took = join_all(each).await;
        over.cancel();
        took
    };
    let (took, waited) = tokio::join!(slow, others(&shop.door, |_| over.is_cancelled()));
    for (slow, took) in all.iter().zip(took) {
        let said = format_args!("{}: closed after {took:?}", slow.name);
        proof::must("S-14", took <= slow.max + SLACK, said);
    }
    let (calls, p99) = (waited.len(), proof::p99(waited));
    println!("others' p99 of {calls} calls {p99:?}, alone {alone:?}");
    let said = format_args!("others wait {p99:?}, alone {alone:?}");
    proof::must("S-14", p99 <= proof::beside(alone), said);
    proof::held("S-14", all.len(), format!("{HEAD_MAX:?}, {MESSAGE_MAX:?}"));
    leaks::search_shop(&mut shop, &[]).await;
}

/// As many as a process holds at most, half of them from addresses that have their share: those are refused at once.
///
/// row: S-14, X21
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "half a minute, 10,000 connections: just full"]
async fn at_full_size_ten_thousand_that_send_a_byte_every_ten_seconds_shut_out_nobody() {
    const CONNECTIONS: u32 = 10_000;
    const ADDRESSES: u32 = 200;
    const EACH_SECOND: u32 = 2_000;
    const BYTE_EVERY: Duration = Duration::from_secs(10);
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit is ours");
    let shop = Shop::up().await;
    let alone = proof::p99(others(&shop.door, |calls| calls == CALLS_ALONE).await);
    let (over, begun) = (CancellationToken::new(), Instant::now());
    let slow = async {
        let each = (0..CONNECTIONS).map(async |number| {
            sleep_until(begun + Duration::from_secs(1) * number / EACH_SECOND).await;
            let last = u8::try_from(number % ADDRESSES + 1).expect("below 256");
            let stream = dial(&shop.door, Ipv4Addr::new(127, 0, 1, last)).await;
            let (mut read, mut write) = stream.into_split();
            let (begun, mut bytes) = (Instant::now(), interval(BYTE_EVERY));
            let sending = async {
                loop {
                    bytes.tick().await;
                    let _ = write.write_all(b"G").await; // whoever reads knows that it is closed
                }
            };
            let mut said = Vec::new();
            tokio::select! {
                _ = timeout(HEAD_MAX * 2, read.read_to_end(&mut said)) => {}
                () = sending => {}
            }
            begun.elapsed()
        });
        let took = join_all(each).await;
        over.cancel();
        took
    };
    let (took, waited) = tokio::join!(slow, others(&shop.door, |_| over.is_cancelled()));
    let refused = took.iter().filter(|took| **took < HEAD_MAX / 2).count();
    let longest = took.iter().max().expect("there are some");
    let (calls, p99) = (waited.len(), proof::p99(waited));
    println!("{refused} refused, the others closed within {longest:?}");
    println!("others' p99 of {calls} calls {p99:?}, alone {alone:?}");
    let said = format_args!("closed after {longest:?}");
    proof::must("S-14", *longest <= HEAD_MAX + SLACK, said);
    let half = CONNECTIONS as usize / 2;
    assert!(
        (half..half + 100).contains(&refused),
        "{refused} were refused"
    );
    let said = format_args!("others wait {p99:?}, alone {alone:?}");
    proof::must("S-14", p99 <= proof::beside(alone), said);
}

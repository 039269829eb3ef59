//! Clients that begin much and end nothing: each has a share, and others do not notice.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use call::Role;
use edge::{Bounds, Cors, Load, ShareBounds, TrustedProxies};
use futures::future::select_all;
use futures::{FutureExt, StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::grpc::health::v1::HealthCheckRequest;
use proto::user::v1::SignUpRequest;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use crate::client::{Ask, Door, envelope};
use crate::rates::claims;
use crate::server::{self, Options, Server};

const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const WATCH: &str = proto::user::v1::user_service::WATCH_USER_UPDATES;

/// More than the server has places, on as many connections as they need.
const UNFINISHED: usize = 588;
const PER_CONNECTION: usize = 98;
/// Whoever calls as one should.
const HONEST: u8 = 250;

type Connection = SendRequest<Body>;
type Call = JoinHandle<hyper::Result<Response<Incoming>>>;

/// An HTTP/2 connection from 127.0.0.`last`.
async fn connect(server: SocketAddr, last: u8) -> Connection {
    let socket = TcpSocket::new_v4().unwrap();
    let own = Ipv4Addr::new(127, 0, 0, last);
    socket.bind((own, 0).into()).unwrap();
    let io = TokioIo::new(socket.connect(server).await.unwrap());
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A body whose first bytes come and whose end does not.
fn unfinished(first: Vec<u8>) -> Body {
    let first = stream::iter([Ok::<_, axum::Error>(Bytes::from(first))]);
    Body::from_stream(first.chain(stream::pending()))
}

fn post(path: &str, kind: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(format!("http://shop{path}")).header("content-type", kind);
    request.body(body.into()).unwrap()
}

/// A call that is on its way when this returns.
async fn begin(connection: &mut Connection, request: Request<Body>) -> Call {
    connection.ready().await.unwrap();
    tokio::spawn(connection.send_request(request))
}

/// Returns when the server has begun what was sent before.
async fn caught_up(connection: &mut Connection) {
    let health = Request::get("http://shop/healthz").body(Body::empty());
    connection.ready().await.unwrap();
    let answer = connection.send_request(health.unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Begins calls that never end, from each of these addresses in turn.
async fn attack(server: SocketAddr, addresses: &[u8]) -> (Vec<Connection>, Vec<Call>) {
    let beginnings = [
        ("application/json", br#"{"id":"#.to_vec()),
        ("application/proto", vec![0x0a]),
        ("application/grpc", envelope(0, &[0x0a, 1])[..6].to_vec()),
        ("application/grpc-web", envelope(0, &[0x0a])[..4].to_vec()),
    ];
    let (mut connections, mut calls) = (Vec::new(), Vec::new());
    for number in 0..UNFINISHED / PER_CONNECTION {
        let mut connection = connect(server, addresses[number % addresses.len()]).await;
        for i in 0..PER_CONNECTION {
            let (kind, bytes) = beginnings[i % beginnings.len()].clone();
            let request = post(GET_PRODUCT, kind, unfinished(bytes));
            calls.push(begin(&mut connection, request).await);
        }
        caught_up(&mut connection).await;
        connections.push(connection);
    }
    (connections, calls)
}

/// A call as one should be; its status.
async fn honest(server: SocketAddr, last: u8) -> StatusCode {
    let mut connection = connect(server, last).await;
    let id = Uuid::from_u128(1);
    let request = post(
        GET_PRODUCT,
        "application/json",
        format!(r#"{{"id":"{id}"}}"#),
    );
    let call = begin(&mut connection, request).await;
    let answer = timeout(Duration::from_secs(2), call).await;
    answer.expect("promptly").unwrap().unwrap().status()
}

/// How many are refused for want of a share, once the others do nothing but wait.
async fn refused(calls: &mut Vec<Call>) -> usize {
    let mut refused = 0;
    let mut open = Vec::new();
    for call in calls.drain(..) {
        match call.is_finished() {
            false => open.push(call),
            true => {
                let answer = call.await.unwrap().unwrap();
                assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
                refused += 1;
            }
        }
    }
    *calls = open;
    refused
}

/// row: S-14
#[tokio::test]
async fn calls_whose_messages_never_end_take_nobodys_place() {
    let server = server::start().await;
    let (connections, mut calls) = attack(server.address, &[1]).await;
    for _ in 0..20 {
        assert_eq!(honest(server.address, HONEST).await, StatusCode::OK);
    }
    assert_eq!(
        honest(server.address, 1).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    let per_address = ShareBounds::default().address.calls;
    assert_eq!(refused(&mut calls).await, UNFINISHED - per_address);
    // Whoever goes gives all back.
    calls.iter().for_each(Call::abort);
    drop(connections);
    let again = async {
        while honest(server.address, 1).await != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), again).await.unwrap();
}

/// row: S-14
#[tokio::test]
async fn from_many_addresses_they_take_nobodys_place_either() {
    let server = server::start().await;
    let (_connections, mut calls) = attack(server.address, &[1, 2, 3, 4, 5, 6]).await;
    for _ in 0..20 {
        assert_eq!(honest(server.address, HONEST).await, StatusCode::OK);
    }
    assert_eq!(refused(&mut calls).await, 0, "each has its share");
}

/// row: S-14
#[tokio::test]
async fn a_message_that_never_ends_is_over_with_its_deadline() {
    let server = server::start().await;
    let mut connection = connect(server.address, 1).await;
    let mut request = post(SIGN_UP, "application/json", unfinished(b"{".to_vec()));
    let headers = request.headers_mut();
    headers.insert("connect-timeout-ms", "100".parse().unwrap());
    let answer = begin(&mut connection, request).await;
    let answer = timeout(Duration::from_secs(2), answer).await.unwrap();
    let answer = answer.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains("deadline_exceeded"), "{body}");
}

/// row: S-14
#[tokio::test]
async fn unfinished_bytes_are_bounded_by_client_and_in_all() {
    let shares = ShareBounds {
        all: Bounds {
            bytes: 64 << 10,
            ..ShareBounds::default().all
        },
        address: Bounds {
            bytes: 24 << 10,
            ..ShareBounds::default().address
        },
        scarce: Bounds {
            bytes: 4 << 10,
            ..ShareBounds::default().scarce
        },
        ..ShareBounds::default()
    };
    let mut options = Options::default();
    options.config.load = Load {
        shares,
        ..Load::default()
    };
    let server = server::start_with(options).await;
    let part = || unfinished(vec![b' '; 12 << 10]);
    let (mut connections, mut held) = (Vec::new(), Vec::new());
    // Half of what all may have is gone with the third.
    for (address, fit) in [(1, 2), (2, 1), (3, 0)] {
        let mut connection = connect(server.address, address).await;
        let mut calls = Vec::new();
        for _ in 0..=fit {
            let request = post(SIGN_UP, "application/json", part());
            calls.push(begin(&mut connection, request).await);
        }
        let (refused, _, others) = timeout(Duration::from_secs(2), select_all(calls))
            .await
            .unwrap();
        let status = refused.unwrap().unwrap().status();
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{address}");
        held.extend(others);
        connections.push(connection);
        assert_eq!(honest(server.address, address).await, StatusCode::OK);
    }
    assert!(held.iter_mut().all(|call| call.now_or_never().is_none()));
}

/// row: S-14
#[tokio::test]
async fn a_person_has_one_share_from_however_many_addresses() {
    let mut options = Options::default();
    options.config.load.shares.person.streams = 3;
    let server = server::start_with(options).await;
    let token = server.token(Uuid::from_u128(7), &[Role::Admin]);
    let watch = async |address: u8, token: &str| {
        let mut connection = connect(server.address, address).await;
        let body = envelope(0, br#"{"cursor":"wait"}"#);
        let mut request = post(WATCH, "application/connect+json", body);
        let headers = request.headers_mut();
        headers.insert("authorization", token.parse().unwrap());
        let call = begin(&mut connection, request).await;
        let mut body = call.await.unwrap().unwrap().into_body();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8_lossy(&frame).into_owned();
        (text.contains("resource_exhausted"), body)
    };
    let mut open = Vec::new();
    for address in 1..=3 {
        let (refused, body) = watch(address, &token).await;
        assert!(!refused);
        open.push(body);
    }
    assert!(watch(4, &token).await.0, "a fourth stream");
    let other = server.token(Uuid::from_u128(8), &[Role::Admin]);
    assert!(
        !watch(1, &other).await.0,
        "somebody else is not that person"
    );
    open.pop();
    let again = async { while watch(4, &token).await.0 {} };
    timeout(Duration::from_secs(5), again).await.unwrap();
}

/// Holds a call of 127.0.0.1's open with these headers, and returns it if it was not refused.
async fn hold(server: &Server, headers: &[(&'static str, &str)]) -> Option<(Connection, Call)> {
    let mut connection = connect(server.address, 1).await;
    let mut request = post(SIGN_UP, "application/json", r#"{"name":"sleep 20000"}"#);
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let begun = server.seen.begun.load(Ordering::SeqCst);
    let call = begin(&mut connection, request).await;
    let answered = async {
        while !call.is_finished() && server.seen.begun.load(Ordering::SeqCst) == begun {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), answered).await.unwrap();
    match call.is_finished() {
        false => Some((connection, call)),
        true => {
            let status = call.await.unwrap().unwrap().status();
            assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
            None
        }
    }
}

/// row: X12, S-07
#[tokio::test]
async fn an_address_is_taken_from_our_services_alone() {
    let mut options = Options::default();
    options.config.load.shares.address.calls = 1;
    let server = server::start_with(options).await;
    let ours = server.service_token("shop");
    let others = server.service_token("order");
    let person = server.token(Uuid::from_u128(1), &[Role::Admin]);
    let first = hold(&server, &[]).await;
    assert!(first.is_some());
    // Whoever rotates his address by a header stays who he is.
    for i in 0..200 {
        for (name, claim) in claims(i) {
            let held = hold(&server, &[(name, &claim)]).await;
            assert!(held.is_none(), "{name}: {claim}");
        }
    }
    for token in [&*others, &*person, "Bearer x", ""] {
        let forged = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-stoa-forwarder", token),
        ];
        assert!(hold(&server, &forged).await.is_none(), "{token}");
    }
    // A part of a page, asked for with a person's own token: the gateway has seen to where he is.
    let person = [("authorization", &*person), ("x-stoa-forwarder", &ours)];
    assert!(hold(&server, &person).await.is_some());
    // The gateway's customers have a share each, and it has none of its own.
    let mut held = Vec::new();
    for i in 0..20 {
        let address = format!("192.0.2.{i}");
        let handed = [("x-forwarded-for", &*address), ("x-stoa-forwarder", &ours)];
        held.push(hold(&server, &handed).await.expect("a share of its own"));
        assert!(hold(&server, &handed).await.is_none(), "one is all it has");
    }
}

/// row: X12, S-07
#[tokio::test]
async fn an_address_is_taken_from_proxies_that_were_named() {
    let mut options = Options::default();
    options.config.load.shares.address.calls = 1;
    options.config.proxies = TrustedProxies::new(&["127.0.0.1".to_owned()]).unwrap();
    let server = server::start_with(options).await;
    let mut held = Vec::new();
    for chain in [
        "192.0.2.1",
        "6.6.6.6, 192.0.2.2",
        "6.6.6.6, 192.0.2.3, 127.0.0.1",
    ] {
        held.push(
            hold(&server, &[("x-forwarded-for", chain)])
                .await
                .expect("a share of its own"),
        );
    }
    for chain in ["7.7.7.7, 192.0.2.2", "192.0.2.3"] {
        assert!(
            hold(&server, &[("x-forwarded-for", chain)]).await.is_none(),
            "{chain}"
        );
    }
}

/// row: R4, P9
#[tokio::test]
async fn a_full_server_says_so_and_still_tells_its_health() {
    let mut options = Options::default();
    options.config.load.in_flight_max = 2;
    options.config.cors = Cors::new(&["https://shop.example".to_owned()]).unwrap();
    let server = server::start_with(options).await;
    let first = hold(&server, &[]).await;
    let second = hold(&server, &[]).await;
    assert!(first.is_some() && second.is_some());
    for door in Door::ALL {
        let request = SignUpRequest::default();
        let ask = Ask::door(server.address, door, SIGN_UP, &request);
        let answer = ask.header("origin", "https://shop.example").send().await;
        assert_eq!(answer.code(), "resource_exhausted", "{door:?}");
        assert_eq!(answer.header("retry-after"), "1", "{door:?}");
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, "https://shop.example", "{door:?}");
    }
    let check = HealthCheckRequest::default();
    let health = "/grpc.health.v1.Health/Check";
    let answer = Ask::door(server.address, Door::Grpc, health, &check);
    assert_eq!(answer.send().await.code(), "ok");
    assert_eq!(
        honest(server.address, 1).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    second.unwrap().1.abort();
    let again = async { while honest(server.address, 1).await != StatusCode::OK {} };
    timeout(Duration::from_secs(5), again).await.unwrap();
}

//! How often a client may ask: one budget over all protocols, that no header and no second connection makes larger.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use call::Role;
use edge::{RateLimit, TrustedProxies};
use http::{Method, Version};
use proto::catalog::v1::{CreateProductRequest, GetProductRequest};
use proto::user::v1::SignUpRequest;
use uuid::Uuid;

use crate::client::{Answer, Ask, Door, envelope, envelopes};
use crate::server::{self, Options, Server};

const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const CREATE_PRODUCT: &str = proto::catalog::v1::catalog_service::CREATE_PRODUCT;
const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const WATCH: &str = proto::user::v1::user_service::WATCH_USER_UPDATES;
const CHECK: &str = "/grpc.health.v1.Health/Check";

async fn start(limit: RateLimit) -> Server {
    let mut options = Options::default();
    options.config.rate_limit = limit;
    server::start_with(options).await
}

fn rate(text: &str) -> RateLimit {
    text.parse().unwrap()
}

fn read(server: &Server, door: Door) -> Ask {
    let request = GetProductRequest {
        id: Uuid::nil().to_string(),
    };
    Ask::door(server.address, door, GET_PRODUCT, &request)
}

#[track_caller]
fn assert_refused(answer: &Answer, limit: &str, since: Since, way: impl std::fmt::Debug) {
    assert_eq!(answer.code(), "resource_exhausted", "{way:?}");
    assert_eq!(answer.header("x-ratelimit-limit"), limit, "{way:?}");
    assert_eq!(answer.header("x-ratelimit-remaining"), "0", "{way:?}");
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    let least = since.interval.saturating_sub(since.first.elapsed());
    let waits = least.as_secs()..=since.interval.as_secs() + 1;
    assert!(waits.contains(&wait), "{way:?}: {wait} of {waits:?}");
    let kind = answer.header("content-type");
    if kind.starts_with("application/grpc") && !kind.contains("web") {
        assert!(answer.body.is_empty(), "trailers alone: {answer:?}");
    }
}

/// When a budget began to be used, and how long a place of it takes to come back.
#[derive(Clone, Copy)]
struct Since {
    first: Instant,
    interval: Duration,
}

impl Since {
    fn now(interval_seconds: u64) -> Self {
        Self {
            first: Instant::now(),
            interval: Duration::from_secs(interval_seconds),
        }
    }
}

/// row: G6, S-07
#[tokio::test]
async fn one_budget_serves_all_protocols_and_refuses_on_each() {
    let server = start(rate("6/h")).await;
    let since = Since::now(600);
    for round in 0..6 {
        let door = Door::ALL[round % Door::ALL.len()];
        assert_eq!(read(&server, door).send().await.code(), "ok", "{door:?}");
    }
    for door in Door::ALL {
        assert_refused(&read(&server, door).send().await, "6", since, door);
        let write = Ask::door(server.address, door, SIGN_UP, &SignUpRequest::default());
        assert_refused(&write.send().await, "6", since, door);
        let health = proto::grpc::health::v1::HealthCheckRequest::default();
        let health = Ask::door(server.address, door, CHECK, &health).send().await;
        assert_eq!(health.code(), "ok", "{door:?}: health is nobody's budget");
    }
}

/// What begins a stream is a call of the same budget, and so is one whose message stands in its URL.
///
/// row: G6
#[tokio::test]
async fn streams_and_gets_are_refused_each_in_its_protocol() {
    let server = start(rate("2/h")).await;
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let watch = |kind: &str| {
        let cursor = match kind {
            "application/connect+json" => br#"{"cursor":"end"}"#.to_vec(),
            _ => b"\x12\x03end".to_vec(),
        };
        Ask::new(server.address, Version::HTTP_2, WATCH)
            .header("content-type", kind)
            .header("authorization", &token)
            .body(envelope(0, &cursor))
            .send()
    };
    let message = format!("%7B%22id%22%3A%22{}%22%7D", Uuid::nil());
    let query = format!("{GET_PRODUCT}?connect=v1&encoding=json&message={message}");
    let get = || {
        Ask::new(server.address, Version::HTTP_11, &query)
            .method(Method::GET)
            .header("authorization", &token)
            .send()
    };
    let since = Since::now(1800);
    assert_eq!(watch("application/connect+json").await.code(), "ok");
    assert_eq!(get().await.code(), "ok");
    for (kind, status) in [
        ("application/connect+json", 200),
        ("application/connect+proto", 200),
        ("application/grpc", 200),
        ("application/grpc-web+proto", 200),
        ("GET", 429),
    ] {
        let answer = match kind {
            "GET" => get().await,
            stream => watch(stream).await,
        };
        assert_eq!(answer.status, status, "{kind}");
        assert_refused(&answer, "2", since, kind);
        match kind {
            "GET" => assert_eq!(answer.header("content-type"), "application/json"),
            stream => assert!(answer.header("content-type").starts_with(stream)),
        }
        if kind.starts_with("application/connect+") {
            let frames = envelopes(&answer.body);
            assert_eq!((frames.len(), frames[0].0), (1, 2), "an EndStream alone");
        }
    }
}

/// As it ships: what changes something costs a budget of its own.
///
/// row: G6
#[tokio::test]
async fn who_writes_has_twenty_at_once_and_ten_a_second() {
    let server = start(RateLimit::Usual).await;
    let token = server.token(Uuid::from_u128(1), &[Role::Operator]);
    let write = || {
        let request = CreateProductRequest::default();
        let ask = Ask::door(server.address, Door::ConnectProto, CREATE_PRODUCT, &request);
        ask.header("authorization", &token).send()
    };
    let began = Instant::now();
    let taken = async |calls: usize| {
        let mut taken = 0;
        for _ in 0..calls {
            match write().await.code().as_str() {
                "ok" => taken += 1,
                "resource_exhausted" => {}
                other => panic!("{other}"),
            }
        }
        taken
    };
    let at_once = taken(200).await;
    assert!(at_once >= 20, "{at_once}");
    // In a second's rest ten come back.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after_a_rest = taken(100).await;
    let most = 20.0 + began.elapsed().as_secs_f64() * 10.0 + 1.0;
    let said = format!("{at_once}, {after_a_rest} of {most}");
    assert!(after_a_rest >= 10, "{said}");
    assert!(f64::from(at_once + after_a_rest) <= most, "{said}");
    let read = read(&server, Door::ConnectProto).header("authorization", &token);
    assert_eq!(read.send().await.code(), "ok", "reading is another");
}

/// Headers by which somebody could claim to come from elsewhere, each time from another network: `Forwarded` as RFC 7239
/// has it, and as it is written by who has not read that.
pub fn claims(number: u32) -> [(&'static str, String); 7] {
    let four = Ipv4Addr::from((10 << 24) | (number << 8) | 1);
    let six = format!("2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff);
    [
        ("x-forwarded-for", four.to_string()),
        ("x-real-ip", four.to_string()),
        ("cf-connecting-ip", four.to_string()),
        ("forwarded", four.to_string()),
        ("forwarded", format!("for={four}")),
        ("forwarded", format!("for=\"[{six}]\"")),
        (
            "forwarded",
            format!("For=\"[{six}]:{number}\";proto=https;by=203.0.113.43, for={four}:80"),
        ),
    ]
}

/// Calls from one address, each with another that is made up, in one header or in all; how many are taken.
async fn made_up(calls: u32) -> u32 {
    let server = start(rate("3/h")).await;
    let mut taken = 0;
    for number in 0..calls {
        let mut ask = read(&server, Door::ALL[number as usize % Door::ALL.len()]);
        let claims = claims(number);
        let one = number as usize % (claims.len() + 1);
        for (at, (name, made_up)) in claims.iter().enumerate() {
            if at == one || one == claims.len() {
                ask = ask.header(name, made_up);
            }
        }
        taken += u32::from(ask.send().await.code() == "ok");
    }
    taken
}

/// row: X12, S-07
#[tokio::test]
#[ignore = "half a minute: just full"]
async fn at_full_size_headers_gain_nothing() {
    assert_eq!(made_up(10_000).await, 3);
}

/// row: X12, S-07
#[tokio::test]
async fn headers_gain_nothing_but_from_a_proxy_of_ours() {
    assert_eq!(made_up(1_000).await, 3);

    let mut options = Options::default();
    options.config.rate_limit = rate("3/h");
    options.config.proxies = TrustedProxies::new(&["127.0.0.0/8".to_owned()]).unwrap();
    let server = server::start_with(options).await;
    for client in ["192.0.2.1", "192.0.2.2"] {
        for (number, expected) in ["ok", "ok", "ok", "resource_exhausted"].iter().enumerate() {
            // What stands at its left, the client has written.
            let chain = format!("198.51.100.{number}, {client}");
            let ask = read(&server, Door::ConnectJson).header("x-forwarded-for", &chain);
            assert_eq!(&ask.send().await.code(), expected, "{client}");
        }
    }
}

/// row: X12, G6
#[tokio::test]
async fn who_signed_in_has_a_budget_apart_from_his_neighbours() {
    let server = start(rate("3/h")).await;
    let [one, two] = [1, 2].map(|id| server.token(Uuid::from_u128(id), &[Role::Customer]));
    for token in [None, Some(&one), Some(&two)] {
        for expected in ["ok", "ok", "ok", "resource_exhausted"] {
            let ask = read(&server, Door::Grpc);
            let ask = match token {
                Some(token) => ask.header("authorization", token),
                None => ask,
            };
            assert_eq!(ask.send().await.code(), expected, "{token:?}");
        }
    }
    let service = server.service_token("shop");
    for _ in 0..10 {
        let ask = read(&server, Door::ConnectJson).header("authorization", &service);
        assert_eq!(ask.send().await.code(), "ok", "ours answer for theirs");
    }
}

/// Signatures cost time, so who tries many tokens is refused before they are looked at.
///
/// row: S-03, G6
#[tokio::test]
async fn many_tokens_from_one_address_are_not_looked_at() {
    let server = start(match proof::sabotaged("S-03") {
        true => RateLimit::Off,
        false => RateLimit::Usual,
    })
    .await;
    let known = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let ask = |token: &str| {
        read(&server, Door::ConnectJson)
            .header("authorization", token)
            .send()
    };
    assert_eq!(ask(&known).await.code(), "ok");
    let mut refused = 0;
    let (head, signature) = known.rsplit_once('.').unwrap();
    for number in 0..400 {
        let forged = format!("{head}.{number:08}{}", &signature[8..]);
        let answer = ask(&forged).await;
        match answer.code().as_str() {
            "unauthenticated" => {}
            "resource_exhausted" => refused += 1,
            other => panic!("{other}"),
        }
    }
    proof::must("S-03", refused > 0, "each of 400 was looked at");
    assert_eq!(ask(&known).await.code(), "ok", "it was seen before");
    proof::held("S-03", 400, 0);
}

/// row: G6
#[tokio::test]
async fn the_contract_bounds_an_rpc_of_its_own_by_address() {
    let server = start(RateLimit::Usual).await;
    let sign_up = |id: u128| {
        let token = server.token(Uuid::from_u128(id), &[Role::Customer]);
        let ask = Ask::door(
            server.address,
            Door::ConnectJson,
            SIGN_UP,
            &SignUpRequest::default(),
        );
        ask.header("authorization", &token).send()
    };
    let since = Since::now(720);
    for id in 0..5 {
        assert_eq!(sign_up(id).await.code(), "ok");
    }
    assert_refused(&sign_up(9).await, "5", since, Door::ConnectJson);
}

/// The header by which our services hand on an address is no way around the budget for tokens.
///
/// row: S-03, X12
#[tokio::test]
async fn a_forwarders_token_costs_as_any_other() {
    let server = start(RateLimit::Usual).await;
    let good = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let (head, signature) = good.rsplit_once('.').unwrap();
    for number in 0..200 {
        let forged = format!("{head}.{number:08}{}", &signature[8..]);
        let ask = read(&server, Door::ConnectJson).header("authorization", &forged);
        ask.send().await;
    }
    let ask = read(&server, Door::ConnectJson).header("x-stoa-forwarder", &good);
    assert_eq!(
        ask.send().await.code(),
        "ok",
        "it says nothing of who calls"
    );
    let ask = read(&server, Door::ConnectJson).header("authorization", &good);
    let answer = ask.send().await.code();
    assert_eq!(answer, "resource_exhausted", "nobody has looked at it");
}

/// What one of our services hands on it has counted; a page is one request.
///
/// row: G6
#[tokio::test]
async fn what_is_handed_on_is_not_counted_again() {
    let server = start(rate("3/h")).await;
    let person = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let forwarder = server.service_token("shop");
    for token in [None, Some(&person)] {
        for _ in 0..10 {
            let ask = read(&server, Door::Grpc).header("x-stoa-forwarder", &forwarder);
            let ask = ask.header("x-forwarded-for", "192.0.2.1");
            let ask = match token {
                Some(token) => ask.header("authorization", token),
                None => ask,
            };
            assert_eq!(ask.send().await.code(), "ok", "{token:?}");
        }
    }
}

/// Our own limits are those of the row.
///
/// row: G6
#[test]
fn the_contract_has_the_limits_that_ship() {
    let contract = edge::Contract::new(proto::DESCRIPTORS).unwrap();
    let limits: std::collections::BTreeMap<&str, (u32, u64)> = contract
        .methods()
        .filter_map(|method| {
            let rate = method.rate?;
            Some((&*method.name, (rate.requests.get(), rate.per.as_secs())))
        })
        .collect();
    let expected = [
        ("ChangePassword", (20, 3600)),
        ("CreateOrder", (10, 60)),
        ("RequestPasswordReset", (5, 3600)),
        ("ResetPassword", (20, 3600)),
        ("SignIn", (20, 60)),
        ("SignUp", (5, 3600)),
        ("UpdateUser", (60, 3600)),
    ];
    assert_eq!(limits, expected.into());
}

/// A service shows a token for each person it acts for, and all of them come from its address.
///
/// row: G6
#[tokio::test]
async fn a_service_may_act_for_many_people_at_once() {
    let server = start(RateLimit::Usual).await;
    for id in 0..300 {
        let token = server.service_token_for(Uuid::from_u128(id));
        let ask = read(&server, Door::Grpc).header("authorization", &token);
        assert_eq!(ask.send().await.code(), "ok", "{id}");
    }
}

//! How often a client may ask: one budget over all protocols, that no header and no second connection makes larger.

use std::net::Ipv4Addr;
use std::time::Instant;

use call::Role;
use edge::{RateLimit, TrustedProxies};
use proto::catalog::v1::{CreateProductRequest, GetProductRequest};
use proto::user::v1::SignUpRequest;
use uuid::Uuid;

use crate::client::{Answer, Ask, Door};
use crate::server::{self, Options, Server};

const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const CREATE_PRODUCT: &str = proto::catalog::v1::catalog_service::CREATE_PRODUCT;
const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
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
fn assert_refused(answer: &Answer, limit: &str, door: Door) {
    assert_eq!(answer.code(), "resource_exhausted", "{door:?}");
    assert_eq!(answer.header("x-ratelimit-limit"), limit, "{door:?}");
    assert_eq!(answer.header("x-ratelimit-remaining"), "0", "{door:?}");
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=3600).contains(&wait), "{door:?}: {wait}");
    if door == Door::Grpc {
        assert!(answer.body.is_empty(), "trailers alone: {answer:?}");
    }
}

/// row: G6, S-07
#[tokio::test]
async fn one_budget_serves_all_protocols_and_refuses_on_each() {
    let server = start(rate("6/h")).await;
    for round in 0..6 {
        let door = Door::ALL[round % Door::ALL.len()];
        assert_eq!(read(&server, door).send().await.code(), "ok", "{door:?}");
    }
    for door in Door::ALL {
        assert_refused(&read(&server, door).send().await, "6", door);
        let write = Ask::door(server.address, door, SIGN_UP, &SignUpRequest::default());
        assert_refused(&write.send().await, "6", door);
        let health = proto::grpc::health::v1::HealthCheckRequest::default();
        let health = Ask::door(server.address, door, CHECK, &health).send().await;
        assert_eq!(health.code(), "ok", "{door:?}: health is nobody's budget");
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
    let (began, mut taken) = (Instant::now(), 0);
    for _ in 0..200 {
        match write().await.code().as_str() {
            "ok" => taken += 1,
            "resource_exhausted" => {}
            other => panic!("{other}"),
        }
    }
    let most = 20.0 + began.elapsed().as_secs_f64() * 10.0;
    assert!(
        taken >= 20 && f64::from(taken) <= most + 1.0,
        "{taken} of {most}"
    );
    let read = read(&server, Door::ConnectProto).header("authorization", &token);
    assert_eq!(read.send().await.code(), "ok", "reading is another");
}

/// Calls from one address, each with another that is made up; how many are taken.
async fn made_up(calls: u32) -> u32 {
    let server = start(rate("3/h")).await;
    let mut taken = 0;
    for number in 0..calls {
        let made_up = Ipv4Addr::from(number << 8).to_string();
        let mut ask = read(&server, Door::ALL[number as usize % Door::ALL.len()]);
        for name in [
            "x-forwarded-for",
            "x-real-ip",
            "forwarded",
            "cf-connecting-ip",
        ] {
            ask = ask.header(name, &made_up);
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
    for id in 0..5 {
        assert_eq!(sign_up(id).await.code(), "ok");
    }
    assert_refused(&sign_up(9).await, "5", Door::ConnectJson);
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

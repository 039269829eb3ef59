//! The order of the steps of a call: who fails two of them hears of the first.

use std::sync::atomic::Ordering;

use call::Role;
use edge::Cors;
use http::StatusCode;
use proto::catalog::v1::{CreateProductRequest, GetProductRequest};
use proto::user::v1::SignUpRequest;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::{Answer, Ask, Door};
use crate::server::{self, Options, Server};

const GET_PRODUCT: &str = proto::catalog::v1::catalog_service::GET_PRODUCT;
const CREATE_PRODUCT: &str = proto::catalog::v1::catalog_service::CREATE_PRODUCT;
const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;

async fn start(change: impl FnOnce(&mut edge::Config)) -> Server {
    let mut options = Options::default();
    change(&mut options.config);
    server::start_with(options).await
}

fn read(server: &Server, id: &str) -> Ask {
    let request = GetProductRequest { id: id.to_owned() };
    Ask::door(server.address, Door::ConnectJson, GET_PRODUCT, &request)
}

fn forbidden(server: &Server) -> Ask {
    let request = CreateProductRequest::default();
    Ask::door(server.address, Door::ConnectJson, CREATE_PRODUCT, &request)
}

/// A call that is under way, and will be for a while.
async fn held(server: &Server) -> JoinHandle<Answer> {
    let request = SignUpRequest {
        name: "sleep 3000".to_owned(),
        ..SignUpRequest::default()
    };
    let holding = Ask::door(server.address, Door::ConnectJson, SIGN_UP, &request).send();
    let holding = tokio::spawn(holding);
    while server.seen.begun.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    holding
}

/// row: R4
#[tokio::test]
async fn cors_stands_around_the_net_for_panics() {
    let shop = "https://shop.example";
    let server = start(|config| config.cors = Cors::new([shop]).unwrap()).await;
    let request = SignUpRequest {
        name: "panic".to_owned(),
        ..SignUpRequest::default()
    };
    let ask = Ask::door(server.address, Door::ConnectJson, SIGN_UP, &request);
    let answer = ask.header("origin", shop).send().await;
    assert_eq!(answer.code(), "internal");
    assert_eq!(answer.header("access-control-allow-origin"), shop);
    assert!(!answer.header("x-correlation-id").is_empty(), "and the log");
}

/// row: R4, G6
#[tokio::test]
async fn each_step_comes_before_the_next() {
    let nil = Uuid::nil().to_string();
    let server = start(|config| config.rate_limit = "1/h".parse().unwrap()).await;
    let [customer, other] = [1, 2].map(|id| server.token(Uuid::from_u128(id), &[Role::Customer]));
    let spent = read(&server, &nil).send().await;
    assert_eq!(spent.code(), "ok");
    let spent = read(&server, &nil).header("authorization", &customer);
    assert_eq!(spent.send().await.code(), "ok");

    let guard = read(&server, &nil).header("content-encoding", "br");
    let guard = guard.header("connect-timeout-ms", "soon").send().await;
    assert_eq!(guard.code(), "unimplemented", "guard before deadline");
    let deadline = read(&server, &nil).header("connect-timeout-ms", "soon");
    let deadline = deadline.send().await.code();
    assert_eq!(
        deadline, "invalid_argument",
        "deadline before rate by address"
    );
    let identity = read(&server, &nil).header("authorization", "Bearer x");
    let identity = identity.send().await.code();
    assert_eq!(
        identity, "unauthenticated",
        "identity before rate by subject"
    );
    let rate = forbidden(&server).header("authorization", &customer);
    let rate = rate.send().await.code();
    assert_eq!(rate, "resource_exhausted", "rate by subject before access");
    let long = vec![b' '; 2 << 20];
    let access = forbidden(&server)
        .header("authorization", &other)
        .body(long);
    let access = access.send().await.code();
    assert_eq!(access, "permission_denied", "access before the message");
}

/// row: R4
#[tokio::test]
async fn the_deadline_comes_before_new_tokens_by_address() {
    let server = start(|config| config.rate_limit = "usual".parse().unwrap()).await;
    let good = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let ask = |number: usize| {
        let token = format!("{head}.{number:08}{}", &signature[8..]);
        read(&server, "no id").header("authorization", &token)
    };
    let mut number = 0;
    loop {
        number += 1;
        match ask(number).send().await.code().as_str() {
            "unauthenticated" => assert!(number < 1_000, "the budget has an end"),
            code => break assert_eq!(code, "resource_exhausted"),
        }
    }
    for late in 1..=10 {
        let deadline = ask(number + late).header("connect-timeout-ms", "soon");
        let deadline = deadline.send().await.code();
        assert_eq!(deadline, "invalid_argument", "deadline before new tokens");
    }
}

/// row: R4
#[tokio::test]
async fn access_comes_before_the_share() {
    let server = start(|config| config.load.shares.address.calls = 1).await;
    let customer = server.token(Uuid::from_u128(1), &[Role::Customer]);
    let holding = held(&server).await;
    let full = read(&server, &Uuid::nil().to_string());
    assert_eq!(full.send().await.code(), "resource_exhausted");
    let access = forbidden(&server).header("authorization", &customer);
    let access = access.send().await.code();
    assert_eq!(access, "permission_denied", "access before the share");
    assert_eq!(holding.await.unwrap().code(), "ok");
}

/// row: R4
#[tokio::test]
async fn a_full_server_still_reads_messages_and_does_not_look_into_them() {
    let server = start(|config| config.load.in_flight_max = 1).await;
    let holding = held(&server).await;
    let long = read(&server, "").body(vec![b' '; 2 << 20]).send().await;
    assert!(
        long.says().contains("longer than"),
        "the message before shedding: {long:?}"
    );
    let invalid = read(&server, "no id").send().await;
    assert_eq!(invalid.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        invalid.code(),
        "resource_exhausted",
        "shedding before validation"
    );
    assert_eq!(holding.await.unwrap().code(), "ok");
    let invalid = read(&server, "no id").send().await;
    assert_eq!(invalid.code(), "invalid_argument");
}

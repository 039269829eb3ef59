//! A call that goes on from process to process, and its deadline with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use clock::Clock;
use edge::{App, Contract, Health, Service};
use peers::{Channel, Local, Peers};
use proto::catalog::v1::catalog_service_connect::CatalogServiceTonicCompatibleBuilder;
use proto::catalog::v1::{GetProductRequest, GetProductResponse};
use proto::user::v1::auth_service_client::AuthServiceClient;
use proto::user::v1::auth_service_connect::AuthServiceTonicCompatibleBuilder;
use proto::user::v1::{SignInRequest, SignInResponse, SignUpRequest, SignUpResponse};
use serde_json::json;
use serve::Serve;
use token::{Keys, SigningKey, Verifier};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::shop::Door;
use crate::wires::{self, WIRES, Wire};

/// What the client gives, and what it may be off by.
const GIVEN: Duration = Duration::from_millis(500);
const OFF: Duration = Duration::from_millis(50);
/// What each of three would sleep.
const SLEEP: Duration = Duration::from_secs(2);
/// What the leaf may still see of it: each hop keeps 50 ms for itself.
const LEAF: Duration = Duration::from_millis(400);
const CANCELLED_AFTER: Duration = Duration::from_millis(100);

/// What was seen: at the leaf, and of every handler's end.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    begun: usize,
    slept: usize,
    leaf: Option<Duration>,
    dropped: Vec<Instant>,
}

/// Notes when its handler is gone.
struct Leaves(Seen);

impl Drop for Leaves {
    fn drop(&mut self) {
        let mut notes = self.0.0.lock().expect("nobody panics with the notes");
        notes.dropped.push(Instant::now());
    }
}

impl Seen {
    fn enter(&self) -> Leaves {
        self.0.lock().expect("nobody panics with the notes").begun += 1;
        Leaves(self.clone())
    }

    /// Sleeps as long as every hop would, beside its call of the next.
    async fn sleep(&self) {
        sleep(SLEEP).await;
        self.0.lock().expect("nobody panics with the notes").slept += 1;
    }
}

#[derive(Clone)]
struct Hop {
    seen: Seen,
    next: Channel,
}

type Answer<T> = Result<ConnectResponse<T>, ConnectError>;

async fn first(
    State(hop): State<Hop>,
    call: Call,
    _: ConnectRequest<GetProductRequest>,
) -> Answer<GetProductResponse> {
    let _leaves = hop.seen.enter();
    let message = SignUpRequest::default();
    let mut next = AuthServiceClient::new(hop.next.clone());
    let asked = next.sign_up(peers::request(&call, message));
    let (asked, ()) = tokio::join!(asked, hop.seen.sleep());
    asked?;
    Ok(ConnectResponse::new(GetProductResponse::default()))
}

async fn second(
    State(hop): State<Hop>,
    call: Call,
    _: ConnectRequest<SignUpRequest>,
) -> Answer<SignUpResponse> {
    let _leaves = hop.seen.enter();
    let message = SignInRequest::default();
    let mut next = AuthServiceClient::new(hop.next.clone());
    let asked = next.sign_in(peers::request(&call, message));
    let (asked, ()) = tokio::join!(asked, hop.seen.sleep());
    asked?;
    Ok(ConnectResponse::new(SignUpResponse::default()))
}

async fn leaf(
    State(hop): State<Hop>,
    call: Call,
    _: ConnectRequest<SignInRequest>,
) -> Answer<SignInResponse> {
    let _leaves = hop.seen.enter();
    hop.seen
        .0
        .lock()
        .expect("nobody panics with the notes")
        .leaf = Some(call.deadline.remaining());
    hop.seen.sleep().await;
    Ok(ConnectResponse::new(SignInResponse::default()))
}

fn app(hop: Hop, key: &SigningKey) -> App {
    let products = CatalogServiceTonicCompatibleBuilder::new()
        .get_product(first)
        .with_state(hop.clone());
    let people = AuthServiceTonicCompatibleBuilder::new()
        .sign_up(second)
        .sign_in(leaf)
        .with_state(hop);
    let contract = Contract::new(proto::DESCRIPTORS).expect("the contract is read");
    let products = Service::new("catalog").mount(products);
    let people = Service::new("user").mount(people);
    let services = Keys::fixed([key.public()]);
    let verifier = Verifier::new(Clock::system(), Keys::fixed([]), services, Some("user"));
    let health = Health::new(CancellationToken::default());
    App::builder(contract, Clock::system(), health)
        .config(edge::Config {
            rate_limit: edge::RateLimit::Off,
            ..edge::Config::default()
        })
        .verifier(verifier)
        .service(products)
        .service(people)
        .build()
        .expect("the app is put together")
}

/// Serves an app; where it listens.
async fn serve(app: App, stop: &CancellationToken) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(serve::serve(listener, app, Serve::default(), stop.clone()));
    format!("http://{address}")
}

/// Three processes' worth of apps, each behind a socket of its own.
async fn over_sockets(seen: &Seen, stop: &CancellationToken) -> String {
    let key = Arc::new(SigningKey::generate("user").expect("a key"));
    let mut next: Option<String> = None;
    for _ in 0..3 {
        let peers = Peers::builder("user", Clock::system(), Local::new()).signer(key.clone());
        let peers = match &next {
            Some(address) => peers.at("user", address.parse().expect("an address")),
            None => peers,
        };
        let hop = Hop {
            seen: seen.clone(),
            next: peers.build().channel("user"),
        };
        next = Some(serve(app(hop, &key), stop).await);
    }
    next.expect("three were started")
}

async fn in_process(seen: &Seen, stop: &CancellationToken) -> String {
    let local = Local::new();
    let peers = Peers::builder("user", Clock::system(), local.clone()).build();
    let hop = Hop {
        seen: seen.clone(),
        next: peers.channel("user"),
    };
    let app = app(hop, &SigningKey::generate("user").expect("a key"));
    local.set(app.clone());
    serve(app, stop).await
}

/// Calls once; when it was over, and its code.
async fn call(origin: &str, wire: Wire) -> (Duration, Instant, String) {
    let given = GIVEN.as_millis().to_string();
    let header = match wire {
        Wire::ConnectJson | Wire::ConnectProto => ("connect-timeout-ms", given),
        Wire::Grpc | Wire::GrpcWeb | Wire::GrpcWebText => ("grpc-timeout", format!("{given}m")),
    };
    let door = Door::new(origin.to_owned());
    let rpc = wires::rpc("catalog.v1.CatalogService/GetProduct");
    let begun = Instant::now();
    let headers = [(header.0, header.1.as_str())];
    let reply = wire.call(&door, &rpc, &json!({}), &headers).await;
    (begun.elapsed(), Instant::now(), reply.code)
}

async fn a_deadline_goes_along(place: &str, origin: &str, seen: &Seen) {
    for wire in WIRES {
        *seen.0.lock().expect("nobody panics with the notes") = Notes::default();
        let (took, over, code) = call(origin, wire).await;
        assert_eq!(code, "deadline_exceeded", "{place}, {wire:?}");
        let on_time = took >= GIVEN - OFF && took <= GIVEN + OFF;
        assert!(on_time, "{place}, {wire:?}: over after {took:?}");
        sleep(CANCELLED_AFTER).await;
        let notes = seen.0.lock().expect("nobody panics with the notes");
        assert_eq!(
            (notes.begun, notes.dropped.len()),
            (3, 3),
            "{place}, {wire:?}: an orphan"
        );
        let last = notes.dropped.iter().max().expect("three left");
        let late = last.saturating_duration_since(over);
        assert!(late <= CANCELLED_AFTER, "{place}, {wire:?}: {late:?} late");
        let leaf = notes.leaf.expect("it was reached");
        assert!(leaf <= LEAF, "{place}, {wire:?}: the leaf saw {leaf:?}");
        println!("{place}, {wire:?}: over after {took:?}, the leaf saw {leaf:?}");
    }
    sleep(SLEEP + CANCELLED_AFTER).await;
    let notes = seen.0.lock().expect("nobody panics with the notes");
    assert_eq!(notes.slept, 0, "{place}: somebody slept on");
}

/// row: P-04, R5
#[tokio::test]
async fn a_deadline_goes_along_three_hops() {
    let stop = CancellationToken::new();
    let seen = Seen::default();
    let origin = in_process(&seen, &stop).await;
    a_deadline_goes_along("in process", &origin, &seen).await;
    let seen = Seen::default();
    let origin = over_sockets(&seen, &stop).await;
    a_deadline_goes_along("over sockets", &origin, &seen).await;
    stop.cancel();
}

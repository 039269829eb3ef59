//! Calls that the gateway passes on to another process, in every form that clients speak.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use call::{Call, Code, ConnectError, ConnectRequest, ConnectResponse, Role, StreamBody, User};
use clock::Clock;
use edge::{App, Contract, Health, Service};
use futures::stream::{self, BoxStream};
use http::{HeaderMap, Method};
use peers::{Local, Peers};
use proto::catalog::v1::catalog_service_connect::CatalogServiceTonicCompatibleBuilder;
use proto::catalog::v1::{GetProductRequest, GetProductResponse};
use proto::user::v1::user_service_connect::UserServiceTonicCompatibleBuilder;
use proto::user::v1::{UserUpdate, WatchUserRequest};
use serde_json::json;
use serve::Serve;
use token::{AccessClaims, Keys, SigningKey, Verifier};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::shop::Door;
use crate::wires::{self, WIRES, Wire};

/// What each hop keeps for itself, and what a call may be on its way.
const MARGIN: Duration = Duration::from_millis(50);
const ON_ITS_WAY: Duration = Duration::from_millis(200);
/// What a client gives, what it has if it gives nothing, and what a peer has at most.
const GIVEN: Duration = Duration::from_secs(2);
const PEER_MAX: Duration = Duration::from_secs(5);
const STREAM_MAX: Duration = Duration::from_secs(30 * 60);

const GET: &str = "catalog.v1.CatalogService/GetProduct";
const WATCH: &str = "user.v1.UserService/WatchUserUpdates";

/// What the callee was left of the last call's deadline.
#[derive(Clone, Default)]
struct Left {
    rest: Arc<Mutex<Duration>>,
    /// How often it was asked, and how often it still fails.
    asked: Arc<AtomicU32>,
    fails: Arc<AtomicU32>,
}

impl Left {
    fn note(&self, call: &Call) {
        *self.rest.lock().expect("nobody panics with it") = call.deadline.remaining();
    }

    fn is(&self, given: Duration) {
        let left = *self.rest.lock().expect("nobody panics with it");
        let most = given;
        assert!(left <= most, "{left:?} of {most:?}");
        assert!(left + ON_ITS_WAY >= most, "{left:?} of {most:?}");
    }
}

/// What never comes.
const NEVER: &str = "NEVER";

/// Fails for the one product that there is not.
async fn get_product(
    State(left): State<Left>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetProductRequest>,
) -> Result<ConnectResponse<GetProductResponse>, ConnectError> {
    left.note(&call);
    left.asked.fetch_add(1, Ordering::SeqCst);
    let one_less = |fails: u32| fails.checked_sub(1);
    let failing = left
        .fails
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
    if failing.is_ok() {
        return Err(ConnectError::new(Code::Unavailable, "It is not there yet"));
    }
    match request.id.as_str() {
        "" => Ok(ConnectResponse::new(GetProductResponse::default())),
        NEVER => std::future::pending().await,
        _ => Err(ConnectError::new(
            Code::OutOfRange,
            "It is beyond the shelf",
        )),
    }
}

/// Says one thing, and ends as it should or not.
async fn watch(
    State(left): State<Left>,
    call: Call,
    ConnectRequest(request): ConnectRequest<WatchUserRequest>,
) -> Result<
    ConnectResponse<StreamBody<BoxStream<'static, Result<UserUpdate, ConnectError>>>>,
    ConnectError,
> {
    left.note(&call);
    let mut said = vec![Ok(UserUpdate::default())];
    if !request.cursor.is_empty() {
        said.push(Err(ConnectError::new(Code::DataLoss, "It is gone")));
    }
    let said: BoxStream<'static, _> = Box::pin(stream::iter(said));
    Ok(ConnectResponse::new(StreamBody::new(said)))
}

fn app(key: &SigningKey) -> edge::Builder {
    let contract = Contract::new(proto::DESCRIPTORS).expect("the contract is read");
    let people = Keys::fixed([key.public()]);
    let verifier = Verifier::new(Clock::system(), people, Keys::fixed([]), None);
    let health = Health::new(CancellationToken::default());
    let unbounded = edge::Config {
        rate_limit: edge::RateLimit::Off,
        ..edge::Config::default()
    };
    App::builder(contract, Clock::system(), health)
        .config(unbounded)
        .verifier(verifier)
}

async fn serve(app: edge::Builder, stop: &CancellationToken) -> String {
    let app = app.build().expect("it is put together");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(serve::serve(listener, app, Serve::default(), stop.clone()));
    format!("http://{address}")
}

/// A gateway before a callee, and somebody's way into it.
async fn gateway(left: &Left, stop: &CancellationToken) -> Door {
    let key = SigningKey::generate("test").expect("a key");
    let products = CatalogServiceTonicCompatibleBuilder::new()
        .get_product(get_product)
        .with_state(left.clone());
    let people = UserServiceTonicCompatibleBuilder::new()
        .watch_user_updates(watch)
        .with_state(left.clone());
    let callee = app(&key)
        .service(Service::new("catalog").mount(products))
        .service(Service::new("user").mount(people));
    let callee = serve(callee, stop).await;
    let address = || callee.parse().expect("an address");
    let peers = Peers::builder("gateway", Clock::system(), Local::new())
        .contract(Contract::new(proto::DESCRIPTORS).expect("the contract is read"))
        .at("catalog", address())
        .at("user", address())
        .build();
    let forward = gateway::forward(&peers, ["catalog", "user"].into_iter());
    let mut door = Door::new(serve(app(&key).forward(forward), stop).await);
    let user = User {
        id: Uuid::from_u128(7),
        roles: [Role::Customer].into_iter().collect(),
        session: None,
    };
    let claims = AccessClaims::new(user, Uuid::nil(), Clock::system().now());
    door.token = Some(key.sign_access(&claims).expect("it is signed"));
    door
}

fn timeout(wire: Wire, given: Duration) -> (&'static str, String) {
    match wire {
        Wire::ConnectJson | Wire::ConnectProto => {
            ("connect-timeout-ms", given.as_millis().to_string())
        }
        Wire::Grpc | Wire::GrpcWeb | Wire::GrpcWebText => {
            ("grpc-timeout", format!("{}m", given.as_millis()))
        }
    }
}

/// The rest goes along less 50 ms, but a unary call has no more than its peer gets, and a stream
/// is not ended by that.
///
/// row: P-04
#[tokio::test]
async fn what_is_passed_on_has_the_rest_of_its_deadline() {
    let stop = CancellationToken::new();
    let left = Left::default();
    let door = gateway(&left, &stop).await;
    let (get, watch) = (wires::rpc(GET), wires::rpc(WATCH));
    let id = json!({"userId": Uuid::from_u128(7)});
    for wire in WIRES {
        let (name, value) = timeout(wire, GIVEN);
        let given = [(name, value.as_str())];
        wire.call(&door, &get, &json!({}), &given).await;
        left.is(GIVEN - MARGIN);
        wire.call(&door, &get, &json!({}), &[]).await;
        left.is(PEER_MAX);
        wire.call(&door, &watch, &id, &given).await;
        left.is(GIVEN - MARGIN);
        wire.call(&door, &watch, &id, &[]).await;
        left.is(STREAM_MAX - MARGIN);
    }
    stop.cancel();
}

/// Where the client is goes along, as the gateway saw it and with its word that it may say so; what a client says of
/// himself goes nowhere.
///
/// row: X12
#[tokio::test]
async fn what_is_passed_on_says_where_its_client_is() {
    let stop = CancellationToken::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let callee = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let note = axum::Router::new().fallback(move |headers: HeaderMap| {
        let told = told.clone();
        async move {
            let of = |name: &str| -> Vec<String> {
                let all = headers.get_all(name).iter();
                all.map(|value| value.to_str().expect("text").to_owned())
                    .collect()
            };
            told.send(of("x-forwarded-for")).expect("the test listens");
            axum::Json(json!({}))
        }
    });
    #[expect(
        clippy::disallowed_methods,
        reason = "a callee that is not ours, and only listens"
    )]
    let listens = axum::serve(listener, note);
    tokio::spawn(async move { listens.await });
    let signer = Arc::new(SigningKey::generate("gateway").expect("a key"));
    let peers = Peers::builder("gateway", Clock::system(), Local::new())
        .signer(signer)
        .contract(Contract::new(proto::DESCRIPTORS).expect("the contract is read"))
        .at("catalog", callee.parse().expect("an address"))
        .build();
    let forward = gateway::forward(&peers, ["catalog"].into_iter());
    let key = SigningKey::generate("test").expect("a key");
    let door = Door::new(serve(app(&key).forward(forward), &stop).await);
    let url = format!("/stoa.{GET}?encoding=json&message=%7B%7D&connect=v1");
    let lie = [("x-forwarded-for", "203.0.113.9")];
    for (address, headers) in [
        ([127, 0, 0, 1], &[][..]),
        ([127, 0, 0, 5], &[]),
        ([127, 0, 0, 5], &lie),
    ] {
        let client = door.used_from(address.into());
        client.fetch(Method::GET, &url, headers).await;
        let [a, b, c, d] = address;
        let said = heard.recv().await.expect("it was asked");
        assert_eq!(said, [format!("{a}.{b}.{c}.{d}")], "{headers:?}");
    }
    stop.cancel();
}

/// Each by its peer, its rpc and how it ended, wherever its protocol says so.
///
/// row: C11
#[tokio::test]
async fn what_is_passed_on_is_counted() {
    let metrics = telemetry::metrics::install(&[]).expect("the first of this process");
    let stop = CancellationToken::new();
    let door = gateway(&Left::default(), &stop).await;
    let (get, watch) = (wires::rpc(GET), wires::rpc(WATCH));
    let user_id = Uuid::from_u128(7);
    for wire in WIRES {
        for (rpc, message, code) in [
            (&get, json!({}), "ok"),
            (&get, json!({"id": "SKU"}), "out_of_range"),
            (&watch, json!({"userId": user_id}), "ok"),
            (
                &watch,
                json!({"userId": user_id, "cursor": "x"}),
                "data_loss",
            ),
        ] {
            let reply = wire.call(&door, rpc, &message, &[]).await;
            assert_eq!(reply.code, code, "{wire:?} {message}");
        }
    }
    let url = format!("/stoa.{GET}?encoding=json&message=%7B%7D&connect=v1");
    assert_eq!(door.fetch(Method::GET, &url, &[]).await.status, 200);
    let text = metrics.render();
    for (peer, rpc, code, count) in [
        ("catalog", GET, "ok", WIRES.len() + 1),
        ("catalog", GET, "out_of_range", WIRES.len()),
        ("user", WATCH, "ok", WIRES.len()),
        ("user", WATCH, "data_loss", WIRES.len()),
    ] {
        let line = format!(
            "rpc_client_call_duration_seconds_count{{peer=\"{peer}\",rpc=\"/stoa.{rpc}\",code=\"{code}\"}} {count}\n"
        );
        assert!(text.contains(&line), "no {line} in {}", clients(&text));
    }
    assert!(!text.contains("code=\"canceled\""), "{}", clients(&text));
    for (peer, kind) in [("catalog", "unary"), ("user", "stream")] {
        let line = format!("rpc_client_connections{{peer=\"{peer}\",kind=\"{kind}\"}} 1\n");
        assert!(text.contains(&line), "no {line} in {}", clients(&text));
    }
    stop.cancel();
}

/// Who leaves while a peer is asked for him takes that call back too, and it failed at neither.
///
/// row: C7
#[tokio::test]
async fn what_its_caller_left_is_canceled_at_both() {
    let metrics = telemetry::metrics::install(&[]).expect("the first of this process");
    let stop = CancellationToken::new();
    let left = Left::default();
    let door = gateway(&left, &stop).await;
    for (before, wire) in WIRES.into_iter().enumerate() {
        let door = door.clone();
        let asking = tokio::spawn(async move {
            let message = json!({"id": NEVER});
            wire.call(&door, &wires::rpc(GET), &message, &[]).await
        });
        until(|| left.asked.load(Ordering::SeqCst) > before as u32).await;
        asking.abort();
    }
    let canceled = |side: &str| {
        let text = metrics.render();
        let prefix = format!("rpc_{side}_call_duration_seconds_count{{");
        let lines = text.lines().filter(|line| {
            line.starts_with(&prefix) && line.contains(GET) && line.contains("code=\"canceled\"")
        });
        let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
        counts.sum::<usize>()
    };
    until(|| canceled("server") == 2 * WIRES.len() && canceled("client") == WIRES.len()).await;
    let all = "rpc_server_call_duration_seconds_count{";
    let text = metrics.render();
    let codes = text.lines().filter(|line| line.starts_with(all));
    for line in codes {
        assert!(line.contains("code=\"canceled\""), "{line}");
    }
    stop.cancel();
}

async fn until(is_so: impl Fn() -> bool) {
    let soon = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let soon = tokio::time::timeout(Duration::from_secs(10), soon);
    soon.await.expect("it comes to that");
}

/// Wherever the protocol says that a peer is away: by a status, in trailers, or in an envelope.
///
/// row: R6
#[tokio::test]
async fn what_is_passed_on_is_tried_again() {
    let stop = CancellationToken::new();
    let left = Left::default();
    let door = gateway(&left, &stop).await;
    let asked = || left.asked.swap(0, Ordering::SeqCst);
    let get = wires::rpc(GET);
    for wire in WIRES {
        left.fails.store(2, Ordering::SeqCst);
        let reply = wire.call(&door, &get, &json!({}), &[]).await;
        assert_eq!((reply.code.as_str(), asked()), ("ok", 3), "{wire:?}");
        let reply = wire.call(&door, &get, &json!({"id": "SKU"}), &[]).await;
        let once = (reply.code.as_str(), asked());
        assert_eq!(once, ("out_of_range", 1), "{wire:?}");
    }
    left.fails.store(2, Ordering::SeqCst);
    let url = format!("/stoa.{GET}?encoding=json&message=%7B%7D&connect=v1");
    assert_eq!(door.fetch(Method::GET, &url, &[]).await.status, 200);
    assert_eq!(asked(), 3);
    stop.cancel();
}

/// row: C3
#[tokio::test]
async fn a_peer_that_is_away_is_unavailable() {
    let metrics = telemetry::metrics::install(&[]).expect("the first of this process");
    let stop = CancellationToken::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let nobody = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let key = SigningKey::generate("test").expect("a key");
    let peers = Peers::builder("gateway", Clock::system(), Local::new())
        .at("catalog", nobody.parse().expect("an address"))
        .build();
    let forward = gateway::forward(&peers, ["catalog"].into_iter());
    let door = Door::new(serve(app(&key).forward(forward), &stop).await);
    for wire in WIRES {
        let reply = wire.call(&door, &wires::rpc(GET), &json!({}), &[]).await;
        assert_eq!(reply.code, "unavailable", "{wire:?}");
        assert_eq!(reply.said, "catalog cannot be reached", "{wire:?}");
    }
    let text = metrics.render();
    let line = format!(
        "rpc_client_call_duration_seconds_count{{peer=\"catalog\",rpc=\"/stoa.{GET}\",code=\"unavailable\"}} {}\n",
        WIRES.len()
    );
    assert!(text.contains(&line), "no {line} in {}", clients(&text));
    stop.cancel();
}

fn clients(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| line.contains("_count{") || line.contains("connections{"));
    lines.collect::<Vec<_>>().join("\n")
}

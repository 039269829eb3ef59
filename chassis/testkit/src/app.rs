//! A service under test as its callers see it: behind its edge, on a database of its own, at a time that stands
//! still. Deliberately knows no rpc: a crate's own fixture says what is asked, and by whom.

use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use call::{Caller, Role, User};
use chrono::{DateTime, Utc};
use clock::{Clock, Manual};
use edge::{BackgroundTask, Builder, Contract, Health, LocalCaller};
use http::{Request, Response, Version};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use serde_json::Value;
use slice::{Deps, Misconfigured};
use sql::{Database, Engine};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use uuid::Uuid;

use crate::database::{self, TestDatabase};

/// What a generated client calls through, within the process.
pub type InProcess = BoxCloneSyncService<Request<tonic::body::Body>, Response<Body>, Infallible>;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A service under test.
pub struct App {
    /// Its database.
    pub db: TestDatabase,
    /// The time it goes by, which stands still.
    pub clock: Clock,
    /// Moves that time.
    pub time: Manual,
    /// The service behind its edge.
    pub app: edge::App,
    /// Ends its streams.
    pub shutdown: CancellationToken,
    /// Its work in the background, which nobody has begun.
    pub tasks: Mutex<Vec<BackgroundTask>>,
}

/// A fact of the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFact {
    /// What it is of.
    pub topic: String,
    /// What it is about.
    pub key: String,
    /// Its number among those about the same.
    pub version: i64,
    /// What it says, encoded.
    pub data: Vec<u8>,
}

/// When every test begins.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("it is a time")
}

/// The edge of a service under test, without a service.
pub fn edge(clock: &Clock) -> Builder {
    let contract = Contract::new(proto::DESCRIPTORS).expect("the contract loads");
    let health = Health::new(CancellationToken::new());
    tokio::spawn(health.clone().run());
    let unbounded = edge::Config {
        rate_limit: edge::RateLimit::Off,
        ..edge::Config::default()
    };
    edge::App::builder(contract, clock.clone(), health).config(unbounded)
}

impl App {
    /// Puts a service together on a fresh database.
    pub async fn on<T, E: Display>(
        engine: Engine,
        name: &'static str,
        migrate: impl AsyncFn(&Database, &str) -> Result<T, E>,
        build: impl FnOnce(Deps) -> Result<edge::Service, Misconfigured>,
    ) -> Self {
        let db = database::on(engine, name, async |db: &Database| migrate(db, name).await).await;
        let (clock, time) = Manual::new(start());
        let deps = crate::deps(&db, &clock);
        let shutdown = deps.shutdown.clone();
        let mut service = build(deps).expect("the service is put together");
        let tasks = Mutex::new(service.take_tasks());
        let app = edge(&clock).service(service).build();
        Self {
            db,
            clock,
            time,
            app: app.expect("the edge finds nothing missing"),
            shutdown,
            tasks,
        }
    }

    /// The background work of that name, to be run.
    pub fn task(&self, name: &str) -> BackgroundTask {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let index = tasks.iter().position(|task| task.name == name);
        tasks.swap_remove(index.expect("there is such a task"))
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.time.advance(Duration::from_secs(seconds));
    }

    /// The way of a client's calls, as those of one caller.
    pub fn channel_of(&self, caller: Caller) -> InProcess {
        channel_of(&self.app, caller)
    }

    /// Calls an rpc by Connect with JSON; the status and the body.
    pub async fn json(&self, caller: Caller, path: &str, message: Value) -> (u16, Value) {
        json(&self.app, caller, path, message).await
    }

    /// Every fact that was told, in order. Straight from the table: a reader of facts waits for every older
    /// transaction of the server, also those of other tests.
    pub async fn outbox(&self) -> Vec<StoredFact> {
        let rows = self.rows("select topic, key, version, data from outbox order by position");
        let fact = |row: QueryResult| StoredFact {
            topic: row.try_get("", "topic").expect("a topic"),
            key: row.try_get("", "key").expect("a key"),
            version: row.try_get("", "version").expect("a version"),
            data: row.try_get("", "data").expect("data"),
        };
        rows.await.into_iter().map(fact).collect()
    }

    /// The facts about a key as `topic version`, in order.
    pub async fn facts(&self, key: &str) -> Vec<String> {
        let facts = self.outbox().await.into_iter();
        let about = facts.filter(|fact| fact.key == key);
        about
            .map(|fact| format!("{} {}", fact.topic, fact.version))
            .collect()
    }

    /// The facts of a topic about a key as number and message, in order.
    pub async fn told<M: prost::Message + Default>(&self, topic: &str, key: &str) -> Vec<(i64, M)> {
        let facts = self.outbox().await.into_iter();
        let about = facts.filter(|fact| fact.topic == topic && fact.key == key);
        let message = |fact: StoredFact| M::decode(fact.data.as_slice()).expect("a fact decodes");
        about.map(|fact| (fact.version, message(fact))).collect()
    }

    /// Reads rows as they are stored.
    pub async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let db = self.db.read();
        let statement = Statement::from_string(db.get_database_backend(), sql);
        db.query_all_raw(statement).await.expect("rows")
    }
}

/// The way of a client's calls, each as its request says: by [`by`], or by a token.
pub fn channel(app: &edge::App) -> InProcess {
    let app = app.clone().map_request(|request: Request<_>| {
        let mut request = request.map(Body::new);
        *request.version_mut() = Version::HTTP_2;
        request
    });
    BoxCloneSyncService::new(app)
}

/// The way of a client's calls, as those of one caller.
pub fn channel_of(app: &edge::App, caller: Caller) -> InProcess {
    let app = channel(app).map_request(move |mut request: Request<_>| {
        request.extensions_mut().insert(LocalCaller(caller.clone()));
        request
    });
    BoxCloneSyncService::new(app)
}

/// Calls an rpc by Connect with JSON; the status and the body.
pub async fn json(app: &edge::App, caller: Caller, path: &str, message: Value) -> (u16, Value) {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .extension(LocalCaller(caller))
        .body(Body::from(message.to_string()));
    let response = app.handle(request.expect("a request")).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await;
    let body = serde_json::from_slice(&body.expect("a body"));
    (status, body.expect("JSON"))
}

/// Asks again and again until there is something.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.expect("it comes within the test's patience")
}

/// One of our services, for nobody in particular.
pub fn service(name: &str) -> Caller {
    Caller::Service {
        name: name.into(),
        acting_for: None,
    }
}

/// The person with this number and these roles.
pub fn person(number: u128, roles: &[Role]) -> User {
    User {
        id: Uuid::from_u128(number),
        roles: roles.iter().copied().collect(),
        session: None,
    }
}

/// A request of this caller.
pub fn by<T>(caller: Caller, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(LocalCaller(caller));
    request
}

/// The same request, to be carried out once.
pub fn keyed<T>(key: &str, mut request: tonic::Request<T>) -> tonic::Request<T> {
    let key = key.parse().expect("a key is ASCII");
    request.metadata_mut().insert("idempotency-key", key);
    request
}

/// Whether the answer was given before.
pub fn is_replayed<T>(response: &tonic::Response<T>) -> bool {
    let replayed = response.metadata().get("idempotency-replayed");
    replayed.is_some_and(|value| value == "true")
}

/// The code and reason of a refusal, which is of this domain if it has a reason.
#[track_caller]
pub fn refusal<T: Debug>(domain: &str, answer: Result<T, Status>) -> (Code, String) {
    let status = answer.expect_err("a refusal");
    let reason = call::error::reason_of(&status).map(|(of, reason, _)| {
        assert_eq!(of, domain);
        reason
    });
    (status.code(), reason.unwrap_or_default())
}

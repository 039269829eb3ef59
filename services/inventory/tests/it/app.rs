//! The service as its callers see it: a typed client that goes through the whole edge, and a
//! look into its outbox.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use call::{Caller, Role, User};
use chrono::DateTime;
use clock::{Clock, Manual};
use edge::{App, Contract, Health, LocalCaller};
use http_body_util::BodyExt;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::{
    AdjustStockRequest, CommitStockRequest, GetStockLevelRequest, ReleaseStockRequest,
    ReserveStockRequest, StockItem, StockLevel,
};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use testkit::database::{self, TestDatabase};
use testkit::{Engine, Fixture};
use tonic::{Code, Request, Status};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use uuid::Uuid;

/// The service over one database, at a time that stands still.
pub struct TestApp {
    pub db: TestDatabase,
    pub clock: Clock,
    pub time: Manual,
    pub app: App,
    tasks: Vec<edge::Task>,
}

type Http = BoxCloneSyncService<
    axum::http::Request<tonic::body::Body>,
    axum::http::Response<Body>,
    Infallible,
>;

/// A client that calls as one caller.
pub type Client = InventoryServiceClient<Http>;

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let migrate = async |db: &sql::Database| migrations::up(db, inventory::NAME).await;
        Self::over(database::on(engine, inventory::NAME, migrate).await)
    }
}

impl TestApp {
    fn over(db: TestDatabase) -> Self {
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let (clock, time) = Manual::new(start);
        let service = inventory::service(
            inventory::Config::default(),
            testkit::deps(&db.database, &clock),
        );
        let mut service = service.expect("the service is put together");
        let tasks = service.take_tasks();
        let contract = Contract::new(proto::DESCRIPTORS).expect("the contract is read");
        let app = App::builder(contract, Clock::system(), Health::new(Default::default()))
            .service(service)
            .build()
            .expect("the app is put together");
        Self {
            db,
            clock,
            time,
            app,
            tasks,
        }
    }

    /// The background work of that name, to be run.
    pub fn task(&mut self, name: &str) -> edge::Task {
        let index = self.tasks.iter().position(|task| task.name == name);
        self.tasks.swap_remove(index.expect("there is such a task"))
    }

    /// A client for a caller.
    pub fn client(&self, caller: Caller) -> Client {
        let app = self.app.clone();
        InventoryServiceClient::new(BoxCloneSyncService::new(tower::service_fn(
            move |request: axum::http::Request<tonic::body::Body>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(LocalCaller(caller.clone()));
                *request.version_mut() = axum::http::Version::HTTP_2;
                app.clone().oneshot(request)
            },
        )))
    }

    /// The client of the order service.
    pub fn order(&self) -> Client {
        self.client(service("order"))
    }

    /// The client of someone who keeps the stock.
    pub fn operator(&self) -> Client {
        self.client(user(&[Role::Operator]))
    }

    /// Brings pieces in.
    pub async fn stock(&self, stock: &[(&str, i64)]) {
        for (sku, delta) in stock {
            let (sku, delta) = ((*sku).to_owned(), *delta);
            let request = AdjustStockRequest {
                sku,
                delta,
                reason: "delivery".to_owned(),
            };
            self.operator()
                .adjust_stock(request)
                .await
                .expect("stock comes in");
        }
    }

    /// The books of a SKU, which must balance.
    pub async fn level(&self, sku: &str) -> StockLevel {
        let request = GetStockLevelRequest {
            sku: sku.to_owned(),
        };
        let answer = self
            .operator()
            .get_stock_level(request)
            .await
            .expect("a level");
        let level = answer.into_inner().level.expect("a level");
        let sum = level.available + level.reserved + level.committed;
        assert_eq!(sum, level.received, "{level:?}");
        level
    }

    /// Available, reserved and committed pieces of a SKU.
    pub async fn counts(&self, sku: &str) -> [i64; 3] {
        let level = self.level(sku).await;
        [level.available, level.reserved, level.committed]
    }

    /// The facts about a key as `topic version`, in order; straight from the table, since a
    /// reader of facts waits for every older transaction, also those of other tests.
    pub async fn facts(&self, key: &str) -> Vec<String> {
        let backend = self.db.read().get_database_backend();
        let parameter = if backend == DbBackend::Postgres {
            "$1"
        } else {
            "?"
        };
        let sql =
            format!("select topic, version from outbox where key = {parameter} order by position");
        let statement = Statement::from_sql_and_values(backend, sql, [key.into()]);
        let rows = self
            .db
            .read()
            .query_all_raw(statement)
            .await
            .expect("facts");
        let fact = |row: &QueryResult| {
            let topic: String = row.try_get("", "topic").expect("a topic");
            let version: i64 = row.try_get("", "version").expect("a version");
            format!("{topic} {version}")
        };
        rows.iter().map(fact).collect()
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.time.advance(Duration::from_secs(seconds));
    }

    /// Calls an rpc by Connect's JSON; the status and the body.
    pub async fn json(
        &self,
        caller: Caller,
        path: &str,
        body: serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let mut request = axum::http::Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        request.extensions_mut().insert(LocalCaller(caller));
        let Ok(answer) = self.app.clone().call(request).await;
        let status = answer.status().as_u16();
        let body = answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        (status, serde_json::from_slice(&body).expect("JSON"))
    }
}

/// One of our services.
pub fn service(name: &str) -> Caller {
    Caller::Service {
        name: name.into(),
        acting_for: None,
    }
}

/// A person with these roles.
pub fn user(roles: &[Role]) -> Caller {
    Caller::User(User {
        id: Uuid::from_u128(7),
        roles: roles.iter().copied().collect(),
    })
}

/// A new order's id.
pub fn order_id() -> String {
    Uuid::new_v4().to_string()
}

/// Items of a request.
pub fn items(items: &[(&str, i32)]) -> Vec<StockItem> {
    let item = |(sku, quantity): &(&str, i32)| StockItem {
        sku: (*sku).to_owned(),
        quantity: *quantity,
    };
    items.iter().map(item).collect()
}

/// A reserve for as long as is usual.
pub fn reserve(order_id: &str, list: &[(&str, i32)]) -> ReserveStockRequest {
    ReserveStockRequest {
        order_id: order_id.to_owned(),
        items: items(list),
        ttl: None,
    }
}

/// A commit.
pub fn commit(order_id: &str) -> CommitStockRequest {
    CommitStockRequest {
        order_id: order_id.to_owned(),
    }
}

/// A release because the order was cancelled.
pub fn release(order_id: &str) -> ReleaseStockRequest {
    ReleaseStockRequest {
        order_id: order_id.to_owned(),
        reason: "CANCELLED".to_owned(),
    }
}

/// A request under an idempotency key.
pub fn keyed<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let key = key.parse().expect("a header");
    request.metadata_mut().insert("idempotency-key", key);
    request
}

/// Whether the answer was given before.
pub fn is_replayed<T>(response: &tonic::Response<T>) -> bool {
    response
        .metadata()
        .get("idempotency-replayed")
        .is_some_and(|value| value == "true")
}

/// The code and reason of a refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.expect_err("a refusal");
    let reason = call::error::reason_of(&status).map(|(domain, reason, _)| {
        assert_eq!(domain, "stoa.inventory");
        reason
    });
    (status.code(), reason.unwrap_or_default())
}

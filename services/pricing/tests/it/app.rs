//! The service under test, and the callers who call it.

use std::convert::Infallible;

use axum::body::Body;
use call::{Caller, Role, User};
use chrono::{DateTime, Utc};
use clock::Manual;
use edge::{App, Contract, Health, LocalCaller};
use prost::Message;
use proto::event::v1::PriceChanged;
use proto::pricing::v1::pricing_service_client::PricingServiceClient;
use proto::pricing::v1::{Money, QuoteItem, SetPriceRequest, SetPromotionRequest};
use sea_orm::{ConnectionTrait, Statement};
use testkit::database::{self, TestDatabase};
use testkit::{Engine, Fixture};
use tokio_util::sync::CancellationToken;
use tonic::codegen::http;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use uuid::Uuid;

pub type Client = PricingServiceClient<
    BoxCloneSyncService<http::Request<tonic::body::Body>, http::Response<Body>, Infallible>,
>;

/// The pricing service behind its edge, on a database of its own.
pub struct TestApp {
    pub db: TestDatabase,
    pub clock: Manual,
    pub app: App,
}

/// A fact of the outbox: its number among those of its SKU, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub version: i64,
    pub fact: PriceChanged,
}

/// When every test begins.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let migrate = async |db: &sql::Database| migrations::up(db, pricing::NAME).await;
        Self::new(database::on(engine, pricing::NAME, migrate).await)
    }
}

impl TestApp {
    fn new(db: TestDatabase) -> Self {
        let (clock, manual) = Manual::new(start());
        let service = pricing::service(
            pricing::Config::default(),
            testkit::deps(&db.database, &clock),
        );
        let contract = Contract::new(proto::DESCRIPTORS).expect("the contract loads");
        let health = Health::new(CancellationToken::new());
        let app = App::builder(contract, clock, health)
            .service(service.expect("the service starts"))
            .build()
            .expect("the edge finds nothing missing");
        Self {
            db,
            clock: manual,
            app,
        }
    }

    /// A gRPC client within the process.
    pub fn client(&self) -> Client {
        let service = self
            .app
            .clone()
            .map_request(|request: http::Request<tonic::body::Body>| request.map(Body::new));
        PricingServiceClient::new(BoxCloneSyncService::new(service))
    }

    /// Calls an rpc as a customer's browser does: Connect, JSON. Returns status and body.
    pub async fn json(&self, rpc: &str, message: &'static str) -> (u16, String) {
        let path = format!("/stoa.pricing.v1.PricingService/{rpc}");
        let request = http::Request::post(path)
            .header("content-type", "application/json")
            .extension(LocalCaller(Caller::User(person(&[Role::Customer]))))
            .body(Body::from(message))
            .expect("a request");
        let response = self.app.handle(request).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
        let body = body.expect("a body").to_vec();
        (status, String::from_utf8(body).expect("JSON is UTF-8"))
    }

    /// Sets a price in euro cents, as an operator.
    pub async fn price(&self, sku: &str, cents: i64) {
        let request = operator(set_price(sku, "EUR", cents));
        let set = self.client().set_price(request).await;
        set.expect("an operator sets a price");
    }

    /// Sets a promotion for a SKU, or for everything with an empty one, from now on.
    pub async fn promotion(&self, sku: &str, percent: i32, min_quantity: i32) {
        let request = operator(promotion(sku, percent, min_quantity));
        let set = self.client().set_promotion(request).await;
        set.expect("an operator sets a promotion");
    }

    /// What the service told about a SKU, in order.
    pub async fn told(&self, sku: &str) -> Vec<Told> {
        let db = self.db.read();
        let backend = db.get_database_backend();
        let sql = "select version, data from outbox \
                   where topic = 'price.changed' and key = $1 order by position";
        let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, [sku.into()]));
        let told = rows.await.expect("the outbox can be read").into_iter();
        told.map(|row| {
            let data: Vec<u8> = row.try_get("", "data").expect("a fact has data");
            Told {
                version: row.try_get("", "version").expect("a fact has a version"),
                fact: PriceChanged::decode(data.as_slice()).expect("a fact decodes"),
            }
        })
        .collect()
    }
}

pub fn euro(cents: i64) -> Money {
    money("EUR", cents)
}

pub fn money(currency_code: &str, minor_units: i64) -> Money {
    Money {
        currency_code: currency_code.to_owned(),
        minor_units,
    }
}

pub fn set_price(sku: &str, currency_code: &str, minor_units: i64) -> SetPriceRequest {
    SetPriceRequest {
        sku: sku.to_owned(),
        amount: Some(money(currency_code, minor_units)),
    }
}

pub fn promotion(sku: &str, percent: i32, min_quantity: i32) -> SetPromotionRequest {
    SetPromotionRequest {
        id: Uuid::new_v4().to_string(),
        sku: sku.to_owned(),
        percent,
        min_quantity,
        starts_at: None,
        ends_at: None,
    }
}

pub fn item(sku: &str, quantity: i32) -> QuoteItem {
    QuoteItem {
        sku: sku.to_owned(),
        quantity,
    }
}

/// A request of the order service, acting for a customer.
pub fn order<T>(message: T) -> tonic::Request<T> {
    let caller = Caller::Service {
        name: "order".into(),
        acting_for: Some(person(&[Role::Customer])),
    };
    with(caller, message)
}

/// A request of a signed-in customer.
pub fn customer<T>(message: T) -> tonic::Request<T> {
    with(Caller::User(person(&[Role::Customer])), message)
}

/// A request of somebody who keeps prices.
pub fn operator<T>(message: T) -> tonic::Request<T> {
    with(
        Caller::User(person(&[Role::Customer, Role::Operator])),
        message,
    )
}

/// The same request, to be carried out once.
pub fn keyed<T>(key: &str, mut request: tonic::Request<T>) -> tonic::Request<T> {
    let key = key.parse().expect("a key is ASCII");
    request.metadata_mut().insert("idempotency-key", key);
    request
}

fn with<T>(caller: Caller, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(LocalCaller(caller));
    request
}

fn person(roles: &[Role]) -> User {
    User {
        id: Uuid::from_u128(7),
        roles: roles.iter().copied().collect(),
    }
}

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
use proto::payment::v1::payment_service_client::PaymentServiceClient;
use proto::payment::v1::{
    GetPaymentRequest, PaymentMethod, ProcessPaymentRequest, RefundPaymentRequest,
};
use proto::pricing::v1::Money;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use testkit::database::{self, TestDatabase};
use testkit::{Engine, Fixture};
use tonic::{Code, Status};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use uuid::Uuid;

/// The person who pays in these tests.
pub const CUSTOMER: Uuid = Uuid::from_u128(7);

/// How long the sandbox takes over `tok_slow` here.
pub const SLOW: Duration = Duration::from_millis(300);

/// The service over one database.
pub struct TestApp {
    pub db: TestDatabase,
    pub app: App,
    tasks: Vec<edge::Task>,
}

type Http = BoxCloneSyncService<
    axum::http::Request<tonic::body::Body>,
    axum::http::Response<Body>,
    Infallible,
>;

/// A client that calls as one caller.
pub type Client = PaymentServiceClient<Http>;

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let migrate = async |db: &sql::Database| migrations::up(db, payment::NAME).await;
        Self::over(database::on(engine, payment::NAME, migrate).await)
    }
}

impl TestApp {
    fn over(db: TestDatabase) -> Self {
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let (clock, _) = Manual::new(start);
        let config = payment::Config {
            sandbox_slow_ms: SLOW.as_millis() as u32,
            ..payment::Config::default()
        };
        let service = payment::service(config, testkit::deps(&db.database, &clock));
        let mut service = service.expect("the service is put together");
        let tasks = service.take_tasks();
        let contract = Contract::new(proto::DESCRIPTORS).expect("the contract is read");
        let app = App::builder(contract, Clock::system(), Health::new(Default::default()))
            .service(service)
            .build()
            .expect("the app is put together");
        Self { db, app, tasks }
    }

    /// The background work of that name, to be run.
    pub fn task(&mut self, name: &str) -> edge::Task {
        let index = self.tasks.iter().position(|task| task.name == name);
        self.tasks.swap_remove(index.expect("there is such a task"))
    }

    /// A client for a caller.
    pub fn client(&self, caller: Caller) -> Client {
        let app = self.app.clone();
        PaymentServiceClient::new(BoxCloneSyncService::new(tower::service_fn(
            move |request: axum::http::Request<tonic::body::Body>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(LocalCaller(caller.clone()));
                *request.version_mut() = axum::http::Version::HTTP_2;
                app.clone().oneshot(request)
            },
        )))
    }

    /// The client of the order service, acting for the customer.
    pub fn order(&self) -> Client {
        let acting_for = Some(User {
            id: CUSTOMER,
            roles: [Role::Customer].into_iter().collect(),
        });
        self.client(Caller::Service {
            name: "order".into(),
            acting_for,
        })
    }

    /// The payment of an order, as the order service reads it.
    pub async fn payment(&self, order_id: &str) -> Option<proto::payment::v1::Payment> {
        let request = GetPaymentRequest {
            order_id: order_id.to_owned(),
        };
        match self.order().get_payment(request).await {
            Ok(answer) => answer.into_inner().payment,
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                None
            }
        }
    }

    /// The facts about an order as `topic version`, in order; straight from the table, since a
    /// reader of facts waits for every older transaction, also those of other tests.
    pub async fn facts(&self, order_id: &str) -> Vec<String> {
        let backend = self.db.read().get_database_backend();
        let parameter = if backend == DbBackend::Postgres {
            "$1"
        } else {
            "?"
        };
        let sql =
            format!("select topic, version from outbox where key = {parameter} order by position");
        let statement = Statement::from_sql_and_values(backend, sql, [order_id.into()]);
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

    /// Calls an rpc by Connect's JSON; the status and the body's bytes.
    pub async fn json(
        &self,
        caller: Caller,
        path: &str,
        body: serde_json::Value,
    ) -> (u16, Vec<u8>) {
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
        (status, body.to_vec())
    }
}

/// A person with these roles.
pub fn user(id: Uuid, roles: &[Role]) -> Caller {
    Caller::User(User {
        id,
        roles: roles.iter().copied().collect(),
    })
}

/// A new order's id.
pub fn order_id() -> String {
    Uuid::new_v4().to_string()
}

/// A charge of 19.99 under the key that belongs to the order.
pub fn charge(order_id: &str, token: &str) -> ProcessPaymentRequest {
    ProcessPaymentRequest {
        idempotency_key: format!("{order_id}:process-payment"),
        order_id: order_id.to_owned(),
        customer_id: CUSTOMER.to_string(),
        amount: Some(euro(1999)),
        method: Some(PaymentMethod {
            token: token.to_owned(),
        }),
    }
}

/// A refund under the key that belongs to the order.
pub fn refund(order_id: &str) -> RefundPaymentRequest {
    RefundPaymentRequest {
        idempotency_key: format!("{order_id}:refund-payment"),
        order_id: order_id.to_owned(),
        reason: "cancelled".to_owned(),
    }
}

/// A sum in euro cents.
pub fn euro(minor_units: i64) -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        minor_units,
    }
}

/// The code and reason of a refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.expect_err("a refusal");
    let reason = call::error::reason_of(&status).map(|(domain, reason, _)| {
        assert_eq!(domain, "stoa.payment");
        reason
    });
    (status.code(), reason.unwrap_or_default())
}

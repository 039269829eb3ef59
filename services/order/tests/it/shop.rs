//! The order service as its callers see it, among scripted peers, with lives that can be ended.

use std::time::Duration;

use call::{Caller, Role};
use clock::{Clock, Manual};
use edge::{App, Contract, Health};
use order::saga::fail_point::FailPoints;
use proto::order::v1::order_service_client::OrderServiceClient;
use proto::order::v1::{
    CreateOrderRequest, GetOrderRequest, ListOrdersRequest, Order, OrderItem, OrderStatus,
    OrderSummary,
};
use proto::payment::v1::PaymentMethod;
use sea_orm::{ConnectionTrait, Statement};
use slice::Deps;
use sql::Database;
use testkit::app::{self, InProcess, start};
use testkit::database::{self, TestDatabase};
use testkit::{Engine, Fixture};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::world::World;

pub use testkit::app::{PATIENCE, eventually};

/// A shop over one database, living its first life.
pub struct Shop {
    pub db: TestDatabase,
    pub world: World,
    pub time: Manual,
    pub life: Life,
    clock: Clock,
    config: order::Config,
    opened: Vec<Database>,
}

/// One life of the service: from a start to a stop, or a crash.
pub struct Life {
    pub app: App,
    pub shutdown: CancellationToken,
    work: TaskTracker,
}

/// A client that calls as one caller.
pub type Client = OrderServiceClient<InProcess>;

/// With lamps and desks on sale.
impl Fixture for Shop {
    async fn on(engine: Engine) -> Self {
        Self::on_with(engine, order::Config::default(), FailPoints::default()).await
    }
}

impl Shop {
    /// One with settings and fail points of its own.
    pub async fn on_with(engine: Engine, config: order::Config, fail_points: FailPoints) -> Self {
        let migrate = async |db: &Database| migrations::up(db, order::NAME).await;
        let db = database::on(engine, order::NAME, migrate).await;
        Self::over(db, config, fail_points).await
    }

    async fn over(db: TestDatabase, config: order::Config, fail_points: FailPoints) -> Self {
        let (clock, time) = Manual::new(start());
        let world = World::default();
        world.sell("lamp", 100, 1999);
        world.sell("desk", 100, 12_000);
        let life = live(
            db.database.clone(),
            &clock,
            &world,
            config.clone(),
            fail_points,
        )
        .await;
        let opened = vec![db.database.clone()];
        Self {
            db,
            world,
            time,
            life,
            clock,
            config,
            opened,
        }
    }

    /// Asks this life to stop.
    pub fn stop(&self) {
        self.life.shutdown.cancel();
    }

    /// Ends this life, once what is not dead of it came to rest, and begins the next one.
    pub async fn restart(&mut self) {
        self.restart_with(FailPoints::default()).await;
    }

    /// The same, and the next life can be killed too.
    pub async fn restart_with(&mut self, fail_points: FailPoints) {
        self.life.shutdown.cancel();
        self.life.work.wait().await; // until then it renews its leases
        self.time.advance(Duration::from_secs(7)); // the last of them has run out
        let db = self.db.open().await;
        self.opened.push(db.clone());
        let config = self.config.clone();
        self.life = live(db, &self.clock, &self.world, config, fail_points).await;
    }

    /// Begins another life beside this one, as a second process over the same database does.
    pub async fn replica(&mut self) -> Life {
        let db = self.db.open().await;
        self.opened.push(db.clone());
        let config = self.config.clone();
        live(db, &self.clock, &self.world, config, FailPoints::default()).await
    }

    /// Gives back the connections of lives that are over.
    pub async fn bury(&mut self) {
        for db in self.opened.drain(1..self.opened.len() - 1) {
            db.close().await.expect("connections are given back");
        }
    }

    /// A client for a caller.
    pub fn client(&self, caller: Caller) -> Client {
        OrderServiceClient::new(app::channel_of(&self.life.app, caller))
    }

    /// The client of the customer with this number.
    pub fn customer(&self, number: u128) -> Client {
        self.client(customer(number))
    }

    /// Places an order and returns it, or the error.
    pub async fn buy(
        &self,
        number: u128,
        items: &[(&str, i32)],
        token: &str,
    ) -> Result<Order, Status> {
        let answer = self
            .customer(number)
            .create_order(purchase(number, items, token))
            .await?;
        Ok(answer.into_inner().order.expect("an order"))
    }

    /// The order as the customer reads it.
    pub async fn order(&self, number: u128, order_id: &str) -> Order {
        let request = GetOrderRequest {
            order_id: order_id.to_owned(),
        };
        self.customer(number)
            .get_order(request)
            .await
            .expect("an order")
            .into_inner()
    }

    /// The orders of the customer with this number, as a list shows them.
    pub async fn orders(&self, number: u128) -> Vec<OrderSummary> {
        let request = ListOrdersRequest {
            user_id: id(number),
            ..Default::default()
        };
        let page = self.customer(number).list_orders(request).await;
        page.expect("a list").into_inner().orders
    }

    /// The only order of the customer with this number.
    pub async fn only_order(&self, number: u128) -> Option<Order> {
        let orders = self.orders(number).await;
        let summary = orders.first()?;
        assert_eq!(orders.len(), 1, "one purchase is one order");
        Some(self.order(number, &summary.id).await)
    }

    /// Waits until the order has come to an end, and returns it.
    pub async fn ended(&self, number: u128, order_id: &str) -> Order {
        eventually(async || {
            let order = self.order(number, order_id).await;
            let ends = [
                OrderStatus::Confirmed,
                OrderStatus::Cancelled,
                OrderStatus::Rejected,
            ];
            ends.contains(&order.status()).then_some(order)
        })
        .await
    }

    /// The topics of an order's facts, one per status it came to, whole and without a gap.
    pub async fn facts(&self, order_id: &str) -> Vec<String> {
        let request = GetOrderRequest {
            order_id: order_id.to_owned(),
        };
        let mut support = self.client(person(0, &[Role::Support]));
        let order = support
            .get_order(request)
            .await
            .expect("an order")
            .into_inner();
        // On PostgreSQL a fact may stay out of sight behind a slower transaction of another test.
        let facts = eventually(async || {
            let page = events::outbox::page(self.db.read(), None, 10_000)
                .await
                .expect("facts");
            let mut facts: Vec<_> = page
                .into_iter()
                .filter(|fact| fact.key == order_id)
                .collect();
            facts.sort_by_key(|fact| fact.version);
            facts
                .last()
                .is_some_and(|last| last.version >= order.version)
                .then_some(facts)
        });
        let facts = facts.await;
        for (fact, version) in facts.iter().zip(1..) {
            assert_eq!(
                (fact.version, fact.source.as_str()),
                (version, "order"),
                "{}",
                fact.topic
            );
        }
        facts.into_iter().map(|fact| fact.topic).collect()
    }

    /// How many orders there are in all.
    pub async fn order_count(&self) -> i64 {
        let db = self.db.read();
        let count = Statement::from_string(
            db.get_database_backend(),
            "select count(*) as orders from orders",
        );
        let row = db
            .query_one_raw(count)
            .await
            .expect("a count")
            .expect("a row");
        row.try_get("", "orders").expect("a number")
    }

    /// Calls an rpc by Connect's JSON; the status and the body.
    pub async fn json(
        &self,
        caller: Caller,
        path: &str,
        body: serde_json::Value,
    ) -> (u16, serde_json::Value) {
        app::json(&self.life.app, caller, path, body).await
    }
}

impl Drop for Shop {
    /// The app and its peers hold each other, so nothing else would give the connections back.
    fn drop(&mut self) {
        self.life.shutdown.cancel();
        for db in self.opened.drain(..) {
            tokio::spawn(db.close());
        }
    }
}

async fn live(
    db: Database,
    clock: &Clock,
    world: &World,
    config: order::Config,
    fail_points: FailPoints,
) -> Life {
    let (shutdown, local) = (CancellationToken::new(), peers::Local::new());
    let deps = Deps {
        peers: peers::Peers::builder("order", clock.clone(), local.clone()).build(),
        shutdown: shutdown.clone(),
        ..testkit::deps(&db, clock)
    };
    let service = order::service(config, deps, fail_points);
    let mut service = service.expect("the service is put together");
    let work = TaskTracker::new();
    for task in service.take_tasks() {
        work.spawn((task.start)(shutdown.clone()));
    }
    work.close();
    let contract = Contract::new(proto::DESCRIPTORS).expect("the contract is read");
    let mut builder =
        App::builder(contract, Clock::system(), Health::new(Default::default())).service(service);
    for peer in world.services() {
        builder = builder.service(peer);
    }
    let app = builder.build().expect("the app is put together");
    local.set(app.clone());
    Life {
        app,
        shutdown,
        work,
    }
}

/// The customer with this number.
pub fn customer(number: u128) -> Caller {
    person(number, &[Role::Customer])
}

/// A person with these roles.
pub fn person(number: u128, roles: &[Role]) -> Caller {
    Caller::User(app::person(number, roles))
}

/// The id of the customer with this number.
pub fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

/// A request to buy.
pub fn purchase(number: u128, items: &[(&str, i32)], token: &str) -> CreateOrderRequest {
    let item = |(sku, quantity): &(&str, i32)| OrderItem {
        sku: (*sku).to_owned(),
        quantity: *quantity,
    };
    CreateOrderRequest {
        customer_id: id(number),
        items: items.iter().map(item).collect(),
        payment_method: Some(PaymentMethod {
            token: token.to_owned(),
        }),
        currency_code: String::new(),
    }
}

/// A request under an idempotency key.
pub fn keyed<T>(key: &str, message: T) -> Request<T> {
    app::keyed(key, Request::new(message))
}

/// The code, reason and order id of a refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String, String) {
    let status = answer.expect_err("a refusal");
    let Some((domain, reason, metadata)) = call::error::reason_of(&status) else {
        return (status.code(), String::new(), String::new());
    };
    assert_eq!(domain, "stoa.order");
    (
        status.code(),
        reason,
        metadata.get("order_id").cloned().unwrap_or_default(),
    )
}

//! The service as its callers see it, and what they ask.

use std::ops::Deref;

use call::{Caller, Role};
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::{
    AdjustStockRequest, CommitStockRequest, GetStockLevelRequest, ReleaseStockRequest, Reservation,
    ReserveStockRequest, StockItem, StockLevel,
};
use testkit::app::{self, InProcess, person};
use testkit::{App, Engine, Fixture};
use tonic::{Code, Request, Status};
use uuid::Uuid;

pub use testkit::app::{is_replayed, service};

/// The inventory service, and what is asked of it.
pub struct TestApp(App);

/// A client that calls as one caller.
pub type Client = InventoryServiceClient<InProcess>;

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let build = |deps| inventory::service(inventory::Config::default(), deps);
        Self(App::on(engine, inventory::NAME, migrations::up, build).await)
    }
}

impl Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl TestApp {
    /// A client for a caller.
    pub fn client(&self, caller: Caller) -> Client {
        InventoryServiceClient::new(self.channel_of(caller))
    }

    /// The client of the order service.
    pub fn order(&self) -> Client {
        self.client(service("order"))
    }

    /// The client of someone who keeps the stock.
    pub fn operator(&self) -> Client {
        self.client(user(&[Role::Operator]))
    }

    /// Holds pieces for an order, which there are.
    pub async fn reserved(&self, order_id: &str, list: &[(&str, i32)]) -> Reservation {
        let answer = self.order().reserve_stock(reserve(order_id, list)).await;
        let held = answer.expect("it is held").into_inner();
        held.reservation.expect("a reservation")
    }

    /// Sells what is held for an order.
    pub async fn committed(&self, order_id: &str) -> Reservation {
        let answer = self.order().commit_stock(commit(order_id)).await;
        let sold = answer.expect("it is sold").into_inner();
        sold.reservation.expect("a reservation")
    }

    /// Gives back what is held for an order, or was sold.
    pub async fn released(&self, order_id: &str) -> Reservation {
        let answer = self.order().release_stock(release(order_id)).await;
        let back = answer.expect("it is given back").into_inner();
        back.reservation.expect("a reservation")
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
}

/// A person with these roles.
pub fn user(roles: &[Role]) -> Caller {
    Caller::User(person(7, roles))
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
    app::keyed(key, Request::new(message))
}

/// The code and reason of a refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    app::refusal("stoa.inventory", answer)
}

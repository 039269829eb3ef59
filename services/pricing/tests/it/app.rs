//! The service under test, and the callers who call it.

use std::ops::Deref;

use call::{Caller, Role};
use proto::event::v1::PriceChanged;
use proto::pricing::v1::pricing_service_client::PricingServiceClient;
use proto::pricing::v1::{Money, QuoteItem, SetPriceRequest, SetPromotionRequest};
use testkit::app::{self, InProcess, by, person};
use testkit::{App, Engine, Fixture};
use uuid::Uuid;

pub use testkit::app::{keyed, start};

pub type Client = PricingServiceClient<InProcess>;

/// The pricing service, and what is asked of it.
pub struct TestApp(App);

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let build = |deps| pricing::service(pricing::Config::default(), deps);
        Self(App::on(engine, pricing::NAME, migrations::up, build).await)
    }
}

impl Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl TestApp {
    /// A gRPC client within the process.
    pub fn client(&self) -> Client {
        PricingServiceClient::new(app::channel(&self.app))
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

    /// What the service told about a SKU, in order: its number and the fact.
    pub async fn told(&self, sku: &str) -> Vec<(i64, PriceChanged)> {
        self.0.told("price.changed", sku).await
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
        acting_for: Some(person(7, &[Role::Customer])),
    };
    by(caller, message)
}

/// A request of a signed-in customer.
pub fn customer<T>(message: T) -> tonic::Request<T> {
    by(Caller::User(person(7, &[Role::Customer])), message)
}

/// A request of somebody who keeps prices.
pub fn operator<T>(message: T) -> tonic::Request<T> {
    let keeper = person(7, &[Role::Customer, Role::Operator]);
    by(Caller::User(keeper), message)
}

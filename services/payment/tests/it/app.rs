//! The service as its callers see it, and what they ask.

use std::ops::Deref;
use std::time::Duration;

use call::{Caller, Role};
use proto::payment::v1::payment_service_client::PaymentServiceClient;
use proto::payment::v1::{
    GetPaymentRequest, PaymentMethod, ProcessPaymentRequest, ProcessPaymentResponse,
    RefundPaymentRequest, RefundPaymentResponse,
};
use proto::pricing::v1::Money;
use testkit::app::{self, InProcess, person};
use testkit::{App, Engine, Fixture};
use tonic::{Code, Status};
use uuid::Uuid;

/// The person who pays in these tests.
pub const CUSTOMER: Uuid = Uuid::from_u128(7);

/// How long the sandbox takes over `tok_slow` here.
pub const SLOW: Duration = Duration::from_millis(300);

/// The payment service, and what is asked of it.
pub struct TestApp(App);

/// A client that calls as one caller.
pub type Client = PaymentServiceClient<InProcess>;

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let config = payment::Config {
            sandbox_slow_ms: SLOW.as_millis() as u32,
            ..payment::Config::default()
        };
        let build = |deps| payment::service(config, deps);
        Self(App::on(engine, payment::NAME, migrations::up, build).await)
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
        PaymentServiceClient::new(self.channel_of(caller))
    }

    /// The client of the order service, acting for the customer.
    pub fn order(&self) -> Client {
        self.client(Caller::Service {
            name: "order".into(),
            acting_for: Some(person(7, &[Role::Customer])),
        })
    }

    /// What a charge with this token came to, which was no refusal.
    pub async fn charged(&self, order_id: &str, token: &str) -> ProcessPaymentResponse {
        let answer = self.order().process_payment(charge(order_id, token)).await;
        answer.expect("it is no refusal").into_inner()
    }

    /// What a refund came to, which was no refusal.
    pub async fn refunded(&self, order_id: &str) -> RefundPaymentResponse {
        let answer = self.order().refund_payment(refund(order_id)).await;
        answer.expect("it is no refusal").into_inner()
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
}

/// The person with this number and these roles.
pub fn user(number: u128, roles: &[Role]) -> Caller {
    Caller::User(person(number, roles))
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
    app::refusal("stoa.payment", answer)
}

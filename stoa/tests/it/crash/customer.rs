//! A customer who does not give up: asks again under the same key until told how it ended.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::Clock;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::journal::{Command, Journal, order_of};
use crate::shop::{Answer, Customer};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// A call that takes longer was lost.
const CALL_MAX: Duration = Duration::from_secs(12);
const CREATE: &str = "order.v1.OrderService/CreateOrder";
const CANCEL: &str = "order.v1.OrderService/CancelOrder";

/// What one customer wants.
pub struct Checkout {
    pub number: usize,
    pub sku: String,
    pub quantity: u32,
    pub method: &'static str,
    /// Changes their mind once told of the order.
    pub cancel: bool,
}

/// What a customer was told of.
pub struct Told {
    pub order: String,
    pub at: DateTime<Utc>,
    pub method: &'static str,
}

/// How it went.
pub struct End {
    pub invoked: Instant,
    /// None if there is no order.
    pub told: Option<Told>,
    /// When the order was seen to be at its end; none if there is no order.
    pub terminal: Option<Instant>,
    /// Promises that were broken before the customer's eyes.
    pub broken: Vec<String>,
}

/// One visit to the shop.
pub struct Visit<'a> {
    pub customer: &'a Customer,
    pub journal: &'a Journal,
    pub patience: Duration,
}

impl Visit<'_> {
    /// Orders, maybe cancels, sees the end, and asks once more, which must change nothing.
    pub async fn make(&self, checkout: &Checkout) -> End {
        let mut end = End {
            invoked: Instant::now(),
            told: None,
            terminal: None,
            broken: Vec::new(),
        };
        let Checkout { number, sku, .. } = checkout;
        let message = self.customer.order(sku, checkout.quantity, checkout.method);
        let create = self.command(CREATE, format!("checkout-{number}"), message);
        let Some(answer) = self.ask(&create).await else {
            end.broken.push(format!("{} got no answer", create.key));
            return end;
        };
        if ["internal", "unknown", "data_loss"].contains(&answer.code().as_str()) {
            end.broken
                .push(format!("{} failed: {:?}", create.key, answer.bytes));
        }
        let Some(order) = order_of(&answer) else {
            return end;
        };
        end.told = Some(Told {
            order: order.clone(),
            at: Clock::system().now(),
            method: checkout.method,
        });
        if checkout.cancel {
            let message = json!({"orderId": order, "reason": "changed my mind"});
            let cancel = self.command(CANCEL, format!("cancel-{number}"), message);
            if self.ask(&cancel).await.is_none() {
                end.broken.push(format!("{} got no answer", cancel.key));
            }
        }
        if !self.sees_the_end(&order).await {
            end.broken.push(format!("order {order} does not end"));
            return end;
        }
        end.terminal = Some(Instant::now());
        if self.ask(&create).await.is_none() {
            end.broken.push(format!("{} is not replayed", create.key));
        }
        end
    }

    fn command(&self, method: &'static str, key: String, message: serde_json::Value) -> Command {
        Command {
            subject: format!("user:{}", self.customer.id),
            method,
            key,
            message,
        }
    }

    async fn ask(&self, command: &Command) -> Option<Answer> {
        let until = Instant::now() + self.patience;
        while Instant::now() < until {
            self.journal.invoke(command);
            let key = Some(command.key.as_str());
            let call = self
                .customer
                .door
                .try_call(command.method, &command.message, key);
            let answer = timeout(CALL_MAX, call).await.ok().and_then(Result::ok);
            if let Some(told) = self.journal.returned(command, answer.as_ref()) {
                return Some(told.clone());
            }
            sleep(PAUSE).await;
        }
        None
    }

    async fn sees_the_end(&self, order: &str) -> bool {
        let until = Instant::now() + self.patience;
        let message = json!({"orderId": order});
        while Instant::now() < until {
            let call =
                self.customer
                    .door
                    .try_call("order.v1.OrderService/GetOrder", &message, None);
            let answer = timeout(CALL_MAX, call).await.ok().and_then(Result::ok);
            let status = answer.map(|answer| answer.json()["status"].to_string());
            let ended = |status: String| {
                ["CONFIRMED", "REJECTED", "CANCELLED"]
                    .iter()
                    .any(|end| status.contains(end))
            };
            if status.is_some_and(ended) {
                return true;
            }
            sleep(PAUSE).await;
        }
        false
    }
}

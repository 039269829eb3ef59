//! The facts this service tells: domain → `stoa.event.v1`, one per change of an order's status.

use events::Fact;
use prost::Message;
use proto::Fact as _;
use proto::event::v1::{
    Checkout, OrderCancellationStarted, OrderCancelled, OrderConfirmed, OrderCreated, OrderPaid,
    OrderRejected,
};
use proto::order::v1::OrderLine;

use crate::domain::order::{Order, Status};
use crate::wire::{end_reason, lines};

/// Every topic of this service.
pub const TOPICS: &[&str] = &[
    OrderCreated::TOPIC,
    OrderPaid::TOPIC,
    OrderConfirmed::TOPIC,
    OrderCancellationStarted::TOPIC,
    OrderCancelled::TOPIC,
    OrderRejected::TOPIC,
];

/// The fact that an order has come to its present status. `transaction_id` tells what paid it, where
/// that is the news.
pub fn of(order: &Order, transaction_id: Option<String>) -> Fact {
    let (order_id, user_id) = (order.id.to_string(), order.customer_id.to_string());
    let reason = end_reason(order.end_reason).into();
    let (topic, data) = match order.status {
        Status::Pending => encode(&OrderCreated {
            order_id,
            user_id,
            items: items(order),
            total: Some(order.total.into()),
            payment_method: None,
            checkout: Checkout::Orchestrated.into(),
        }),
        Status::Paid => encode(&OrderPaid {
            order_id,
            user_id,
            transaction_id: transaction_id.unwrap_or_default(),
        }),
        Status::Confirmed => encode(&OrderConfirmed {
            order_id,
            user_id,
            items: items(order),
            total: Some(order.total.into()),
        }),
        Status::Cancelling => encode(&OrderCancellationStarted {
            order_id,
            user_id,
            reason,
        }),
        Status::Cancelled => encode(&OrderCancelled {
            order_id,
            user_id,
            reason,
        }),
        Status::Rejected => encode(&OrderRejected {
            order_id,
            user_id,
            reason,
        }),
    };
    Fact {
        topic,
        key: order.id.to_string(),
        version: order.version,
        subject: Some(order.customer_id.0),
        data,
    }
}

/// The status that a fact of `topic` tells of.
pub fn status_of(topic: &str) -> Option<Status> {
    let status = match topic {
        OrderCreated::TOPIC => Status::Pending,
        OrderPaid::TOPIC => Status::Paid,
        OrderConfirmed::TOPIC => Status::Confirmed,
        OrderCancellationStarted::TOPIC => Status::Cancelling,
        OrderCancelled::TOPIC => Status::Cancelled,
        OrderRejected::TOPIC => Status::Rejected,
        _ => return None,
    };
    Some(status)
}

/// A status as the timeline names it.
pub fn status_name(status: Status) -> &'static str {
    match status {
        Status::Pending => "PENDING",
        Status::Paid => "PAID",
        Status::Confirmed => "CONFIRMED",
        Status::Cancelling => "CANCELLING",
        Status::Cancelled => "CANCELLED",
        Status::Rejected => "REJECTED",
    }
}

/// The number of the reason that a fact of `status` gives; 0 when it gives none.
pub fn reason_of(status: Status, data: &[u8]) -> i32 {
    let reason = match status {
        Status::Pending | Status::Paid | Status::Confirmed => Ok(0),
        Status::Cancelling => OrderCancellationStarted::decode(data).map(|fact| fact.reason),
        Status::Cancelled => OrderCancelled::decode(data).map(|fact| fact.reason),
        Status::Rejected => OrderRejected::decode(data).map(|fact| fact.reason),
    };
    reason.unwrap_or_default()
}

fn items(order: &Order) -> Vec<OrderLine> {
    lines(&order.lines)
}

fn encode<F: proto::Fact>(fact: &F) -> (&'static str, Vec<u8>) {
    (F::TOPIC, fact.encode_to_vec())
}

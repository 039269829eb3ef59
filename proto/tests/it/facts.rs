//! Facts, their topics and keys.

use std::collections::BTreeSet;

use proto::Fact;
use proto::catalog::v1::Product;
use proto::event::v1::*;
use proto::support::v1::ChatMessage;

use super::{option, pool, text};

/// The topics of docs/capabilities.md, section 13.
const TOPICS: [&str; 22] = [
    "user.created",
    "user.updated",
    "user.deleted",
    "product.changed",
    "price.changed",
    "stock.changed",
    "inventory.reserved",
    "inventory.reservation_failed",
    "inventory.committed",
    "inventory.commit_failed",
    "inventory.released",
    "order.created",
    "order.paid",
    "order.confirmed",
    "order.cancellation_started",
    "order.cancelled",
    "order.rejected",
    "payment.completed",
    "payment.failed",
    "payment.refunded",
    "notification.sent",
    "support.message_posted",
];

/// `order.cancellation_started` as `OrderCancellationStarted`.
fn pascal(topic: &str) -> String {
    topic
        .split(['.', '_'])
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

/// The message of a topic is the topic in PascalCase, and every topic has one.
#[test]
fn every_topic_has_its_message() {
    let pool = pool();
    let mut bound = BTreeSet::new();
    for message in pool.all_messages() {
        let Some(fact) = option(&pool, &message.options(), "stoa.options.v1.fact") else {
            continue;
        };
        let topic = text(&fact, "topic");
        assert_eq!(
            message.full_name(),
            format!("stoa.event.v1.{}", pascal(&topic))
        );
        bound.insert(topic);
    }
    assert_eq!(bound, TOPICS.map(String::from).into());
}

#[test]
fn a_fact_knows_its_topic_type_and_key() {
    let started = OrderCancellationStarted {
        order_id: "o".into(),
        ..Default::default()
    };
    assert_eq!(
        OrderCancellationStarted::TOPIC,
        "order.cancellation_started"
    );
    assert_eq!(
        OrderCancellationStarted::EVENT_TYPE,
        "ORDER_CANCELLATION_STARTED"
    );
    assert_eq!(started.key(), "o");

    let product = Product {
        id: "p".into(),
        ..Default::default()
    };
    let changed = ProductChanged {
        product: Some(product),
        ..Default::default()
    };
    assert_eq!(changed.key(), "p");
    assert_eq!(ProductChanged::default().key(), "");

    let message = ChatMessage {
        session_id: "s".into(),
        ..Default::default()
    };
    assert_eq!(
        SupportMessagePosted {
            message: Some(message)
        }
        .key(),
        "s"
    );
}

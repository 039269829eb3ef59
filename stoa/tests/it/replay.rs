//! One key, one order, however often and from how many sides it is asked.

use futures::future::join_all;
use serde_json::json;

use crate::shop::Shop;

const CREATE: &str = "order.v1.OrderService/CreateOrder";
const SKU: &str = "MUG-STR-01";

/// row: X16, S-16, I8
#[tokio::test]
async fn a_hundred_at_once_under_one_key_make_one_order() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let message = customer.order(SKU, 1, "tok_ok");
    let asked = (0..100).map(|_| customer.door.try_call(CREATE, &message, Some("one")));
    let mut told = Vec::new();
    for answer in join_all(asked).await {
        let answer = answer.expect("everybody is answered");
        match answer.code().as_str() {
            "ok" => told.push(answer.bytes),
            // One runs, others wait; who waits too long may come again.
            "aborted" | "resource_exhausted" => {}
            other => panic!("{other}: {:?}", answer.bytes),
        }
    }
    assert!(told.len() > 1, "only {} were answered", told.len());
    let again = customer.door.try_call(CREATE, &message, Some("one")).await;
    let again = again.expect("an answer comes");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    told.push(again.bytes);
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    let orders = customer
        .door
        .call(
            "order.v1.OrderService/ListOrders",
            json!({"userId": customer.id}),
        )
        .await;
    assert_eq!(orders.json()["orders"].as_array().map(Vec::len), Some(1));

    // The key stands for this request, of this customer, at this rpc.
    let other = customer.order(SKU, 2, "tok_ok");
    let other = customer.door.try_call(CREATE, &other, Some("one")).await;
    assert_eq!(other.expect("an answer comes").code(), "invalid_argument");
    let friend = shop.door.sign_up("friend@example.test").await;
    let theirs = friend.order(SKU, 1, "tok_ok");
    let theirs = friend.door.try_call(CREATE, &theirs, Some("one")).await;
    let theirs = theirs.expect("an answer comes");
    assert_eq!(theirs.code(), "ok", "{:?}", theirs.bytes);
    assert!(!theirs.headers.contains_key("idempotency-replayed"));
    for key in ["x".repeat(256), String::new()] {
        let refused = customer.door.try_call(CREATE, &message, Some(&key)).await;
        assert_eq!(refused.expect("an answer comes").code(), "invalid_argument");
    }
}

/// A refusal is an answer too: it is kept like any other.
///
/// row: X16, S-16
#[tokio::test]
async fn a_refusal_is_replayed_byte_for_byte() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let message = customer.order(SKU, 1, "tok_declined");
    let first = customer.door.try_call(CREATE, &message, Some("no")).await;
    let first = first.expect("an answer comes");
    assert_eq!(first.code(), "failed_precondition", "{:?}", first.bytes);
    for _ in 0..3 {
        let again = customer.door.try_call(CREATE, &message, Some("no")).await;
        let again = again.expect("an answer comes");
        assert_eq!((again.status, &again.bytes), (first.status, &first.bytes));
    }
    let orders = customer
        .door
        .call(
            "order.v1.OrderService/ListOrders",
            json!({"userId": customer.id}),
        )
        .await;
    assert_eq!(orders.json()["orders"].as_array().map(Vec::len), Some(1));
}

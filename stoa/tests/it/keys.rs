//! One idempotency key, asked for by every protocol.

use http::HeaderMap;
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::wires::{self, Reply, WIRES};

const SKU: &str = "MUG-STR-01";
const CREATE: &str = "order.v1.OrderService/CreateOrder";

fn order_id(reply: &Reply) -> String {
    let message = reply.message.as_ref().expect("an answer has a message");
    let message = serde_json::to_value(message).expect("it has a JSON form");
    message["order"]["id"].as_str().expect("an id").to_owned()
}

fn replayed(headers: &HeaderMap) -> bool {
    headers
        .get("idempotency-replayed")
        .is_some_and(|value| value == "true")
}

/// A key stands for what it was first used for, whoever asks in whichever protocol: the same
/// request gets the same order, another one is refused and has no effect.
///
/// row: S-16, X16, I8
#[tokio::test]
async fn a_key_of_one_protocol_stands_in_all() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_up("buyer@example.test").await;
    let create = wires::rpc(CREATE);
    let same = customer.order(SKU, 1, "tok_ok");
    let others: [Value; 3] = [
        customer.order(SKU, 2, "tok_ok"),
        customer.order("LMP-ARC-01", 1, "tok_ok"),
        customer.order(SKU, 1, "tok_slow"),
    ];
    for first in WIRES {
        let key = format!("{first:?}");
        let key = [("idempotency-key", key.as_str())];
        let placed = first.call(&customer.door, &create, &same, &key).await;
        assert_eq!(placed.code, "ok", "{first:?}: {placed:?}");
        assert!(!replayed(&placed.headers), "{first:?}");
        for again in WIRES {
            let reply = again.call(&customer.door, &create, &same, &key).await;
            assert_eq!(reply.code, "ok", "{first:?}, {again:?}: {reply:?}");
            assert!(replayed(&reply.headers), "{first:?}, {again:?}: {reply:?}");
            assert_eq!(order_id(&reply), order_id(&placed), "{first:?}, {again:?}");
            assert_eq!(reply.message, placed.message, "{first:?}, {again:?}");
            for other in &others {
                let reply = again.call(&customer.door, &create, other, &key).await;
                assert_eq!(
                    reply.code, "invalid_argument",
                    "{first:?}, {again:?}: {other}"
                );
            }
        }
    }
    let orders = json!({"userId": customer.id});
    let orders = customer
        .door
        .call("order.v1.OrderService/ListOrders", orders)
        .await;
    let orders = orders.json()["orders"].as_array().map(Vec::len);
    assert_eq!(orders, Some(WIRES.len()), "one order per key");
}

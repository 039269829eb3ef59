//! GetOrder: whose order it is.

use call::Role;
use serde_json::json;
use testkit::both_engines;
use uuid::Uuid;

use crate::shop::{Shop, customer, person};

const PATH: &str = "/stoa.order.v1.OrderService/GetOrder";

/// row: D5, S-05, P1
#[both_engines]
async fn a_foreign_order_reads_as_a_random_id_byte_for_byte(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let own = shop
        .json(customer(1), PATH, json!({"orderId": order.id}))
        .await;
    assert_eq!((own.0, &own.1["id"]), (200, &json!(order.id)));
    let foreign = shop
        .json(customer(2), PATH, json!({"orderId": order.id}))
        .await;
    let random = shop
        .json(customer(2), PATH, json!({"orderId": Uuid::from_u128(99)}))
        .await;
    assert_eq!(foreign, random);
    assert_eq!(
        (foreign.0, foreign.1["code"].as_str()),
        (404, Some("not_found"))
    );
    let malformed = shop.json(customer(1), PATH, json!({"orderId": "7"})).await;
    assert_eq!(malformed.0, 400);
}

/// row: S-05
#[both_engines]
async fn support_reads_everyones_orders_and_other_roles_do_not(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    for (role, status) in [
        (Role::Support, 200),
        (Role::Operator, 404),
        (Role::Admin, 404),
    ] {
        let read = shop
            .json(person(9, &[role]), PATH, json!({"orderId": order.id}))
            .await;
        assert_eq!(read.0, status, "{role:?}");
    }
}

//! The purchase, as a stranger with curl makes it.

use http::StatusCode;
use serde_json::json;

use crate::fleet::Fleet;
use crate::shop::{Customer, Door, Shop};

const LAMP: &str = "LMP-ARC-01";

/// row: X2, D5, D14, D16, E7, P1, G1, C1, K7
#[tokio::test]
async fn a_purchase_in_one_process() {
    let shop = Shop::up().await;
    whole_story(&shop.door).await;
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

/// row: G1, C10, G4, E13
#[tokio::test]
async fn the_same_purchase_in_seven_processes() {
    let fleet = Fleet::start().await;
    whole_story(&fleet.gateway).await;
    // A service answers for itself on its own port, and verifies for itself.
    let order = fleet.door("order");
    let refused = order
        .call(
            "order.v1.OrderService/GetOrder",
            json!({"orderId": LAMP_ID}),
        )
        .await;
    assert_eq!(refused.code(), "unauthenticated");
    let (code, printed) = fleet.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

const LAMP_ID: &str = "01935f3c-7a2b-7c3d-8e4f-1234567890ab";

async fn whole_story(gateway: &Door) {
    let found = gateway
        .call(
            "catalog.v1.CatalogService/ListProducts",
            json!({"query": "desk lamp"}),
        )
        .await;
    assert_eq!(
        found.json()["products"][0]["sku"],
        LAMP,
        "{:?}",
        found.bytes
    );
    let cart = json!({"items": [{"sku": LAMP, "quantity": 2}]});
    let cart = gateway
        .call("bff.web.v1.WebService/GetCartPage", cart)
        .await;
    assert_eq!(
        cart.json()["total"],
        json!({"currencyCode": "EUR", "minorUnits": "29800"}),
        "{:?}",
        cart.bytes
    );

    let customer = gateway.sign_in("customer@stoa.test", "stoa-demo").await;
    buys(&customer).await;
    is_declined(&customer).await;
    is_short(&customer).await;
    let stranger = gateway.sign_up("somebody@example.test").await;
    sees_nothing_of(&stranger, &customer).await;
}

async fn buys(customer: &Customer) {
    let answer = customer.place(LAMP, 2, "tok_ok").await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.bytes);
    let order = &answer.json()["order"];
    assert_eq!(order["status"], "ORDER_STATUS_CONFIRMED", "{order}");
    assert_eq!(
        order["total"],
        json!({"currencyCode": "EUR", "minorUnits": "29800"})
    );
    assert!(answer.headers.contains_key("x-correlation-id"));
    let id = order["id"].clone();
    let read = customer
        .door
        .call("order.v1.OrderService/GetOrder", json!({"orderId": id}))
        .await;
    assert_eq!(read.json()["status"], "ORDER_STATUS_CONFIRMED");
    let page = customer
        .door
        .call("bff.web.v1.WebService/GetOrderPage", json!({"orderId": id}))
        .await;
    assert_eq!(
        page.json()["payment"]["status"],
        "PAYMENT_STATUS_COMPLETED",
        "{:?}",
        page.bytes
    );
    let undone = json!({"orderId": id, "reason": "changed my mind"});
    let undone = customer
        .door
        .call("order.v1.OrderService/CancelOrder", undone)
        .await;
    assert_eq!(undone.status, StatusCode::OK, "{:?}", undone.bytes);
}

async fn is_declined(customer: &Customer) {
    let answer = customer.place(LAMP, 1, "tok_declined").await;
    assert_eq!(answer.code(), "failed_precondition", "{:?}", answer.bytes);
    assert!(
        answer.json()["details"][0]["type"]
            .as_str()
            .is_some_and(|kind| kind.contains("ErrorInfo"))
    );
}

async fn is_short(customer: &Customer) {
    let answer = customer.place(LAMP, 99, "tok_ok").await;
    assert_eq!(answer.code(), "failed_precondition", "{:?}", answer.bytes);
    assert_eq!(answer.json()["message"], "Out of stock");
}

async fn sees_nothing_of(stranger: &Customer, customer: &Customer) {
    let theirs = json!({"userId": customer.id});
    let theirs = stranger
        .door
        .call("order.v1.OrderService/ListOrders", theirs)
        .await;
    let nobodys = json!({"userId": LAMP_ID});
    let nobodys = stranger
        .door
        .call("order.v1.OrderService/ListOrders", nobodys)
        .await;
    assert_eq!(
        (theirs.status, &theirs.bytes),
        (nobodys.status, &nobodys.bytes)
    );
    let own = stranger
        .door
        .call(
            "order.v1.OrderService/ListOrders",
            json!({"userId": stranger.id}),
        )
        .await;
    assert_eq!(own.status, StatusCode::OK);
    assert_eq!(own.json()["orders"].as_array().map_or(0, Vec::len), 0);
    let for_them = json!({"customerId": customer.id, "items": [{"sku": LAMP, "quantity": 1}], "paymentMethod": {"token": "tok_ok"}});
    let for_them = stranger
        .door
        .call("order.v1.OrderService/CreateOrder", for_them)
        .await;
    assert_eq!(for_them.code(), "permission_denied");
}

//! Stories of people: blocked, in two minds, or curious while something is broken.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::fleet::Fleet;
use crate::shop::{Customer, Shop};

const SKU: &str = "MUG-STR-01";

async fn ask(customer: &Customer, rpc: &str, message: Value) -> Value {
    let answer = customer.door.call(rpc, message).await;
    assert_eq!(answer.code(), "ok", "{rpc}: {:?}", answer.bytes);
    answer.json()
}

async fn level(operator: &Customer) -> Value {
    let rpc = "inventory.v1.InventoryService/GetStockLevel";
    ask(operator, rpc, json!({"sku": SKU})).await["level"].clone()
}

async fn order_until(customer: &Customer, order: &Value, wanted: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let rpc = "order.v1.OrderService/GetOrder";
        let read = ask(customer, rpc, json!({"orderId": order})).await;
        if read["status"] == wanted {
            return read;
        }
        assert!(Instant::now() < until, "{read} is not {wanted}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// row: D4, D15
#[tokio::test]
async fn a_blocked_customer_orders_nothing_until_unblocked() {
    let shop = Shop::up().await;
    let support = shop.door.sign_in("support@stoa.test", "stoa-demo").await;
    let operator = shop.door.sign_in("operator@stoa.test", "stoa-demo").await;
    let customer = shop.door.sign_up("somebody@example.test").await;
    let before = level(&operator).await;
    let admin = "user.v1.UserAdminService";
    let reason = json!({"id": customer.id, "reason": "chargebacks"});
    ask(&support, &format!("{admin}/BlockUser"), reason.clone()).await;

    let refused = customer.place(SKU, 1, "tok_ok").await;
    assert_eq!(refused.code(), "failed_precondition", "{:?}", refused.bytes);
    assert_eq!(refused.json()["message"], "User blocked");
    let orders = "order.v1.OrderService/ListOrders";
    let theirs = ask(&support, orders, json!({"userId": customer.id})).await;
    assert_eq!(
        theirs["orders"].as_array().map_or(0, Vec::len),
        0,
        "{theirs}"
    );
    assert_eq!(level(&operator).await, before, "nothing is reserved");
    let sign_in = json!({"email": "somebody@example.test", "password": "a short sentence"});
    let rpc = "user.v1.AuthService/SignIn";
    let door = shop.door.call(rpc, sign_in.clone()).await;
    assert_ne!(door.code(), "ok", "sign-in is refused");

    ask(&support, &format!("{admin}/UnblockUser"), reason).await;
    let customer = shop
        .door
        .sign_in("somebody@example.test", "a short sentence")
        .await;
    let placed = customer.place(SKU, 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
}

/// row: D9, D12, D13
#[tokio::test]
async fn a_cancelled_order_gives_back_stock_and_money() {
    let shop = Shop::up().await;
    let operator = shop.door.sign_in("operator@stoa.test", "stoa-demo").await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let before = level(&operator).await;
    let order = customer.place(SKU, 2, "tok_ok").await.json()["order"].clone();
    let id = &order["id"];
    order_until(&customer, id, "ORDER_STATUS_CONFIRMED").await;
    assert_ne!(level(&operator).await, before, "two are sold");

    let cancel = "order.v1.OrderService/CancelOrder";
    let message = json!({"orderId": id, "reason": "changed my mind"});
    ask(&customer, cancel, message.clone()).await;
    let ended = order_until(&customer, id, "ORDER_STATUS_CANCELLED").await;
    assert_eq!(ended["endReason"], "END_REASON_CUSTOMER_REQUEST", "{ended}");
    assert_eq!(level(&operator).await, before, "two are back");
    let payment = "payment.v1.PaymentService/GetPayment";
    let payment = ask(&customer, payment, json!({"orderId": id})).await["payment"].clone();
    assert_eq!(payment["status"], "PAYMENT_STATUS_REFUNDED", "{payment}");
    assert_eq!(payment["refunded"], order["total"], "{payment}");
    // Repeated, it is the same; from an end that is another, it is refused.
    let again = ask(&customer, cancel, message).await;
    assert_eq!(again["order"]["status"], "ORDER_STATUS_CANCELLED");
    let declined = customer.place(SKU, 1, "tok_declined").await;
    let declined = crate::crash::journal::order_of(&declined).expect("it names its order");
    let message = json!({"orderId": declined, "reason": "too late"});
    let refused = customer.door.call(cancel, message).await;
    assert_eq!(refused.code(), "failed_precondition", "{:?}", refused.bytes);
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

/// row: D10, R9
#[tokio::test]
async fn an_order_is_shown_while_nobody_knows_the_buyer() {
    let mut fleet = Fleet::start().await;
    let gateway = fleet.gateway.clone();
    let customer = gateway.sign_in("customer@stoa.test", "stoa-demo").await;
    let order = customer.place(SKU, 1, "tok_ok").await.json()["order"].clone();
    let details = "order.v1.OrderService/GetOrderDetails";
    let message = json!({"orderId": order["id"]});
    let whole = ask(&customer, details, message.clone()).await;
    assert_eq!(whole["user"]["customerId"], customer.id.as_str(), "{whole}");
    assert_eq!(whole["availability"][0]["sku"], SKU, "{whole}");
    assert!(whole["degraded"].is_null(), "{whole}");

    fleet.processes.get_mut("user").expect("it runs").kill();
    let part = ask(&customer, details, message).await;
    assert_eq!(part["order"]["id"], order["id"], "{part}");
    let guest = json!({"customerId": customer.id.as_str(), "name": "Guest"});
    assert_eq!(part["user"], guest, "{part}");
    assert_eq!(part["degraded"], json!(["user"]), "{part}");
    assert_eq!(part["availability"], whole["availability"], "{part}");
    // To buy, the shop must know who buys: that fails closed.
    let refused = customer.place(SKU, 1, "tok_ok").await;
    assert_eq!(refused.code(), "unavailable", "{:?}", refused.bytes);
}

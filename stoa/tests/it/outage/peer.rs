//! One service of many goes away, and comes back.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::fleet::Fleet;
use crate::shop::Door;

const IN_TIME: Duration = Duration::from_secs(20);

/// Waits until a process shows a line among its metrics.
async fn shows(admin: &Door, line: &str) {
    let until = Instant::now() + IN_TIME;
    loop {
        let text = admin.get("/metrics").await.bytes;
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.lines().any(|shown| shown == line) {
            return;
        }
        assert!(Instant::now() < until, "no {line} in {text}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whoever ordered meanwhile waits, and gets what he ordered; nobody else's breaker opens with it.
///
/// row: R1, R10, C4
#[tokio::test]
async fn checkouts_wait_for_a_service_that_is_left_alone() {
    let mut fleet = Fleet::start_with(&[("STOA_BREAKER_OPEN_SECONDS", "2")]).await;
    let customer = fleet.gateway.sign_in("customer@stoa.test", "stoa-demo");
    let customer = customer.await;
    let admin = fleet.admin("order").await;
    let payment = fleet.processes.get_mut("payment").expect("it runs");
    payment.kill();
    let mut orders = Vec::new();
    for _ in 0..3 {
        let placed = customer.place("MUG-STR-01", 1, "tok_ok").await;
        assert_eq!(placed.code(), "ok");
        orders.push(placed.json()["order"]["id"].clone());
    }
    shows(&admin, "circuit_state{target=\"payment\"} 1").await;
    shows(&admin, "circuit_state{target=\"inventory\"} 0").await;
    fleet.launch("payment");
    fleet.wait_ready("payment").await;
    for order in orders {
        let until = Instant::now() + IN_TIME;
        loop {
            let message = json!({"orderId": order});
            let read = customer
                .door
                .call("order.v1.OrderService/GetOrder", message);
            let read = read.await.json();
            if read["status"] == "ORDER_STATUS_CONFIRMED" {
                break;
            }
            assert!(Instant::now() < until, "{read}");
            sleep(Duration::from_millis(100)).await;
        }
    }
    shows(&admin, "circuit_state{target=\"payment\"} 0").await;
}

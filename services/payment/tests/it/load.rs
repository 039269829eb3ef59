//! Many orders paid at once.

use testkit::{Engine, Fixture, both_engines};
use tokio::task::JoinSet;

use crate::app::{TestApp, charge, order_id, refund};

/// Different orders never stand in each other's way so long that a caller sees it.
///
/// row: R-08, I2
#[both_engines(flavor = "multi_thread")]
async fn many_orders_are_paid_at_once(engine: Engine) {
    const ORDERS: i64 = 300;
    let payment = TestApp::on(engine).await;
    let mut orders = JoinSet::new();
    for number in 0..ORDERS {
        let mut client = payment.order();
        orders.spawn(async move {
            let order = order_id();
            client
                .process_payment(charge(&order, "tok_ok"))
                .await
                .expect("a payment");
            if number % 3 == 0 {
                client
                    .refund_payment(refund(&order))
                    .await
                    .expect("a refund");
            }
        });
    }
    while let Some(done) = orders.join_next().await {
        done.unwrap();
    }
    let books = payment.balances().await;
    assert_eq!(books["sales"], -1999 * ORDERS);
    assert_eq!(books["refunds"], 1999 * ORDERS / 3);
    assert_eq!(books["provider-clearing"], 1999 * ORDERS * 2 / 3);
}

//! GetPayment.

use call::{Caller, Role};
use serde_json::json;
use testkit::app::service;
use testkit::both_engines;

use crate::app::{TestApp, order_id, user};

const PATH: &str = "/stoa.payment.v1.PaymentService/GetPayment";

/// row: S-05, D13
#[both_engines]
async fn another_s_payment_is_not_found_as_a_random_one_is(payment: TestApp) {
    let order = order_id();
    payment.charged(&order, "tok_ok").await;
    let stranger = user(8, &[Role::Customer]);
    let read = async |caller: &Caller, order: &str| {
        payment
            .json(caller.clone(), PATH, json!({ "orderId": order }))
            .await
    };
    let random = read(&stranger, &order_id()).await;
    assert_eq!(random.0, 404);
    assert_eq!(read(&stranger, &order).await, random);

    for caller in [
        user(7, &[Role::Customer]),
        user(9, &[Role::Support]),
        service("order"),
    ] {
        let (status, body) = read(&caller, &order).await;
        assert_eq!(status, 200, "{caller:?}");
        let shown = &body["payment"];
        assert_eq!(shown["status"], "PAYMENT_STATUS_COMPLETED");
        assert_eq!(
            shown["amount"],
            json!({"currencyCode": "EUR", "minorUnits": "1999"})
        );
    }
    for caller in [user(7, &[Role::Operator]), Caller::Anonymous] {
        let status = read(&caller, &order).await.0;
        // An operator is a person like others: it sees what it has paid itself.
        assert_eq!(
            status,
            if caller == Caller::Anonymous {
                401
            } else {
                200
            }
        );
    }
}

/// row: P1
#[both_engines]
async fn a_malformed_id_is_refused(payment: TestApp) {
    let support = user(9, &[Role::Support]);
    let (status, _) = payment
        .json(support, PATH, json!({"orderId": "seven"}))
        .await;
    assert_eq!(status, 400);
}

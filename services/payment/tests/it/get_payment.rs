//! GetPayment.

use call::{Caller, Role};
use serde_json::json;
use testkit::both_engines;
use uuid::Uuid;

use crate::app::{CUSTOMER, TestApp, charge, order_id, user};

const PATH: &str = "/stoa.payment.v1.PaymentService/GetPayment";

/// row: S-05, D13
#[both_engines]
async fn another_s_payment_is_not_found_as_a_random_one_is(payment: TestApp) {
    let order = order_id();
    payment
        .order()
        .process_payment(charge(&order, "tok_ok"))
        .await
        .unwrap();
    let stranger = user(Uuid::from_u128(8), &[Role::Customer]);
    let read = async |caller: &Caller, order: &str| {
        payment
            .json(caller.clone(), PATH, json!({ "orderId": order }))
            .await
    };
    let random = read(&stranger, &order_id()).await;
    assert_eq!(random.0, 404);
    assert_eq!(read(&stranger, &order).await, random);

    let acting = Caller::Service {
        name: "order".into(),
        acting_for: None,
    };
    for caller in [
        user(CUSTOMER, &[Role::Customer]),
        user(Uuid::from_u128(9), &[Role::Support]),
        acting,
    ] {
        let (status, body) = read(&caller, &order).await;
        assert_eq!(status, 200, "{caller:?}");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let shown = &body["payment"];
        assert_eq!(shown["status"], "PAYMENT_STATUS_COMPLETED");
        assert_eq!(
            shown["amount"],
            json!({"currencyCode": "EUR", "minorUnits": "1999"})
        );
    }
    for caller in [user(CUSTOMER, &[Role::Operator]), Caller::Anonymous] {
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
    let support = user(Uuid::from_u128(9), &[Role::Support]);
    let (status, _) = payment
        .json(support, PATH, json!({"orderId": "seven"}))
        .await;
    assert_eq!(status, 400);
}

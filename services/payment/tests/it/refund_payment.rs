//! RefundPayment.

use proto::payment::v1::{PaymentStatus, RefundPaymentRequest, RefundPaymentResponse};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, euro, order_id, refund, refusal};

/// row: D13, D9, I2
#[both_engines]
async fn all_money_goes_back_once(payment: TestApp) {
    let order = order_id();
    let charged = payment.charged(&order, "tok_ok").await;
    let first = payment.refunded(&order).await;
    let other_key = RefundPaymentRequest {
        idempotency_key: "other".to_owned(),
        ..refund(&order)
    };
    for request in [refund(&order), other_key] {
        let again = payment.order().refund_payment(request).await.unwrap();
        assert_eq!(first, again.into_inner());
    }
    assert_eq!(first.status(), PaymentStatus::Refunded);
    assert_eq!(first.amount, Some(euro(1999)));
    assert!(first.refund_id.starts_with("re_"));
    let books = payment.balances().await;
    assert_eq!(
        (books["provider-clearing"], books["sales"], books["refunds"]),
        (0, -1999, 1999)
    );
    assert_eq!(
        payment.facts(&order).await,
        ["payment.completed 1", "payment.refunded 2"]
    );
    let kept = payment.payment(&order).await.unwrap();
    assert_eq!(
        (kept.status(), kept.refunded),
        (PaymentStatus::Refunded, Some(euro(1999)))
    );
    // The charge's own answer stays what it was.
    let late = payment.charged(&order, "tok_ok").await;
    assert_eq!(late, charged);
}

/// row: D13
#[both_engines]
async fn a_refund_before_the_charge_blocks_it(payment: TestApp) {
    let order = order_id();
    for _ in 0..2 {
        let answer = payment.refunded(&order).await;
        let nothing = RefundPaymentResponse {
            status: PaymentStatus::Refunded.into(),
            refund_id: String::new(),
            amount: Some(euro(0)),
        };
        assert_eq!(answer, nothing);
    }
    for _ in 0..2 {
        let late = payment.charged(&order, "tok_ok").await;
        assert_eq!(late.status(), PaymentStatus::Refunded);
        assert_eq!(late.decline_reason, "REFUNDED_BEFORE_CHARGE");
        assert_eq!(late.transaction_id, "");
    }
    assert_eq!(payment.provider_charges().await, 0);
    assert!(payment.balances().await.is_empty());
    assert_eq!(payment.facts(&order).await, ["payment.refunded 1"]);
}

/// row: D13
#[both_engines]
async fn a_declined_payment_has_nothing_to_give_back(payment: TestApp) {
    let order = order_id();
    payment.charged(&order, "tok_declined").await;
    let answer = payment.refunded(&order).await;
    assert_eq!(
        (answer.status(), answer.amount),
        (PaymentStatus::Refunded, Some(euro(0)))
    );
    assert_eq!(
        payment.facts(&order).await,
        ["payment.failed 1", "payment.refunded 2"]
    );
    assert!(payment.balances().await.is_empty());
}

/// row: D13, E9
#[both_engines]
async fn a_crash_on_either_side_of_a_refund_is_no_second_one(payment: TestApp) {
    // The charge was made and never recorded: the undo finds the money all the same.
    let order = order_id();
    payment.charged(&order, "tok_ok").await;
    payment.forget(&order).await;
    let first = payment.refunded(&order).await;
    assert_eq!(first.amount, Some(euro(1999)));
    let books = payment.balances().await;
    assert_eq!((books["provider-clearing"], books["refunds"]), (0, 1999));
    // The refund was made and never recorded.
    payment.forget(&order).await;
    let again = payment.refunded(&order).await;
    assert_eq!(first, again);
    assert_eq!(payment.balances().await, books);
    assert_eq!(payment.facts(&order).await, ["payment.refunded 1"]);
    let late = payment.charged(&order, "tok_ok").await;
    assert_eq!(late.status(), PaymentStatus::Refunded);
}

/// row: S-16, I8
#[both_engines]
async fn a_key_refunds_one_order(payment: TestApp) {
    let (order, other) = (order_id(), order_id());
    for order in [&order, &other] {
        payment.charged(order, "tok_ok").await;
    }
    let first = payment.refunded(&order).await;
    let again = payment.refunded(&order).await;
    assert_eq!(first, again);
    let misuse = RefundPaymentRequest {
        order_id: other,
        ..refund(&order)
    };
    let misuse = payment.order().refund_payment(misuse).await;
    assert_eq!(refusal(misuse).0, Code::InvalidArgument);
    assert_eq!(payment.balances().await["refunds"], 1999);
}

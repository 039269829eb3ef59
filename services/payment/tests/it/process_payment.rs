//! ProcessPayment.

use proto::payment::v1::{PaymentStatus, ProcessPaymentRequest};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, charge, euro, order_id, refusal};

/// row: D13, E10, I2
#[both_engines]
async fn one_key_is_one_charge(payment: TestApp) {
    let order = order_id();
    let first = payment.charged(&order, "tok_ok").await;
    let again = payment.charged(&order, "tok_ok").await;
    assert_eq!(first, again);
    assert_eq!(first.status(), PaymentStatus::Completed);
    assert!(first.transaction_id.starts_with("txn_"));
    let books = payment.balances().await;
    assert_eq!((books["provider-clearing"], books["sales"]), (1999, -1999));
    assert_eq!(payment.provider_charges().await, 1);
    assert_eq!(payment.facts(&order).await, ["payment.completed 1"]);
    let kept = payment.payment(&order).await.unwrap();
    assert_eq!(
        (kept.amount, kept.refunded),
        (Some(euro(1999)), Some(euro(0)))
    );
    assert_eq!(kept.transaction_id, first.transaction_id);
}

/// row: D13
#[both_engines]
async fn declined_is_a_status(payment: TestApp) {
    for (token, reason) in [
        ("tok_declined", "card_declined"),
        ("tok_of_another_shop", "unknown_payment_method"),
    ] {
        let order = order_id();
        for _ in 0..2 {
            let answer = payment.charged(&order, token).await;
            assert_eq!(answer.status(), PaymentStatus::Declined);
            assert_eq!(
                (
                    answer.transaction_id.as_str(),
                    answer.decline_reason.as_str()
                ),
                ("", reason)
            );
        }
        assert_eq!(payment.facts(&order).await, ["payment.failed 1"]);
    }
    assert!(payment.balances().await.is_empty());
}

/// row: D13
#[both_engines]
async fn an_absent_provider_leaves_nothing_behind(payment: TestApp) {
    let order = order_id();
    let answer = payment
        .order()
        .process_payment(charge(&order, "tok_unavailable"))
        .await;
    assert_eq!(
        refusal(answer),
        (Code::Unavailable, "PROVIDER_UNAVAILABLE".to_owned())
    );
    assert_eq!(payment.payment(&order).await, None);
    assert!(payment.facts(&order).await.is_empty());
    // When it is back, the very same key charges.
    payment.charged(&order, "tok_ok").await;
    assert_eq!(payment.balances().await["sales"], -1999);
}

/// row: D13, I8, S-20
#[both_engines]
async fn a_key_or_an_order_is_never_charged_for_something_else(payment: TestApp) {
    let order = order_id();
    payment.charged(&order, "tok_ok").await;
    let original = charge(&order, "tok_ok");
    for misuse in [
        ProcessPaymentRequest {
            amount: Some(euro(2000)),
            ..original.clone()
        },
        ProcessPaymentRequest {
            order_id: order_id(),
            ..original.clone()
        },
        ProcessPaymentRequest {
            customer_id: order_id(),
            ..original.clone()
        },
        ProcessPaymentRequest {
            method: charge(&order, "tok_slow").method,
            ..original.clone()
        },
    ] {
        let refused = payment.order().process_payment(misuse.clone()).await;
        assert_eq!(
            refusal(refused),
            (Code::InvalidArgument, "KEY_REUSED".to_owned()),
            "{misuse:?}"
        );
    }
    let second = ProcessPaymentRequest {
        idempotency_key: "second".to_owned(),
        ..original
    };
    let refused = payment.order().process_payment(second).await;
    assert_eq!(
        refusal(refused),
        (Code::FailedPrecondition, "ALREADY_CHARGED".to_owned())
    );
    assert_eq!(payment.provider_charges().await, 1);
    assert_eq!(payment.balances().await["sales"], -1999);
}

/// row: P18, S-20
#[both_engines]
async fn what_is_no_charge_changes_nothing(payment: TestApp) {
    let good = || charge(&order_id(), "tok_ok");
    let mut lower = euro(1);
    lower.currency_code = "eur".to_owned();
    for bad in [
        ProcessPaymentRequest {
            amount: Some(euro(0)),
            ..good()
        },
        ProcessPaymentRequest {
            amount: Some(euro(-1)),
            ..good()
        },
        ProcessPaymentRequest {
            amount: Some(euro(i64::MIN)),
            ..good()
        },
        ProcessPaymentRequest {
            amount: Some(lower),
            ..good()
        },
        ProcessPaymentRequest {
            amount: None,
            ..good()
        },
        ProcessPaymentRequest {
            method: None,
            ..good()
        },
        ProcessPaymentRequest {
            idempotency_key: String::new(),
            ..good()
        },
        ProcessPaymentRequest {
            idempotency_key: "k".repeat(256),
            ..good()
        },
        ProcessPaymentRequest {
            order_id: "7".to_owned(),
            ..good()
        },
        ProcessPaymentRequest {
            customer_id: String::new(),
            ..good()
        },
        charge(&order_id(), ""),
    ] {
        let refused = payment.order().process_payment(bad.clone()).await;
        assert_eq!(refusal(refused).0, Code::InvalidArgument, "{bad:?}");
    }
    assert_eq!(payment.provider_charges().await, 0);
}

/// row: D13, E9
#[both_engines]
async fn a_crash_after_the_provider_charged_is_no_second_charge(payment: TestApp) {
    let order = order_id();
    let first = payment.charged(&order, "tok_ok").await;
    payment.forget(&order).await;
    assert_eq!(payment.payment(&order).await, None);
    let again = payment.charged(&order, "tok_ok").await;
    assert_eq!(first, again);
    assert_eq!(payment.provider_charges().await, 1);
    assert_eq!(payment.balances().await["sales"], -1999);
    assert_eq!(payment.facts(&order).await, ["payment.completed 1"]);
}

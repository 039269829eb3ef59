//! Commands of one order that run at the same time.

use std::time::Duration;

use proto::payment::v1::PaymentStatus;
use testkit::both_engines;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{SLOW, TestApp, charge, euro, order_id, refund};

/// row: D13, S-16
#[both_engines(flavor = "multi_thread")]
async fn twins_get_one_answer_and_make_one_charge(payment: TestApp) {
    for token in ["tok_ok", "tok_slow", "tok_declined"] {
        let order = order_id();
        let mut twins = JoinSet::new();
        for _ in 0..10 {
            let (mut client, request) = (payment.order(), charge(&order, token));
            twins.spawn(async move {
                client
                    .process_payment(request)
                    .await
                    .map(|answer| answer.into_inner())
            });
        }
        let mut answers = Vec::new();
        while let Some(answer) = twins.join_next().await {
            answers.push(answer.unwrap().expect("an answer"));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(payment.facts(&order).await.len(), 1);
    }
    assert_eq!(payment.provider_charges().await, 2);
    assert_eq!(payment.balances().await["sales"], -2 * 1999);
}

/// row: D13, S-20
#[both_engines(flavor = "multi_thread")]
async fn a_refund_overtakes_a_charge_at_any_moment(payment: TestApp) {
    let mut seen = [0; 2];
    for moment in 0..24_u32 {
        let order = order_id();
        let token = if moment % 2 == 0 {
            "tok_ok"
        } else {
            "tok_slow"
        };
        let (mut charging, mut refunding) = (payment.order(), payment.order());
        let request = charge(&order, token);
        let charging = tokio::spawn(async move { charging.process_payment(request).await });
        tokio::time::sleep(Duration::from_micros(200) * moment).await;
        let back = refunding
            .refund_payment(refund(&order))
            .await
            .unwrap()
            .into_inner();
        let charged = charging.await.unwrap().unwrap().into_inner();
        // Whatever the charge was told, the money is back.
        let kept = payment.payment(&order).await.unwrap();
        assert_eq!(kept.status(), PaymentStatus::Refunded);
        assert_eq!(kept.refunded, back.amount);
        assert!(matches!(
            charged.status(),
            PaymentStatus::Completed | PaymentStatus::Refunded
        ));
        let moved = back.amount == Some(euro(1999));
        assert!(moved || charged.status() == PaymentStatus::Refunded);
        seen[usize::from(moved)] += 1;
    }
    let books = payment.balances().await;
    assert_eq!(
        books.get("provider-clearing").copied().unwrap_or(0),
        0,
        "{books:?} {seen:?}"
    );
    assert!(seen[0] > 0, "no refund ever came first");
}

/// row: D13, R-17
#[both_engines(flavor = "multi_thread")]
async fn money_that_moves_is_recorded_though_the_caller_leaves(payment: TestApp) {
    let order = order_id();
    let mut client = payment.order();
    let call = client.process_payment(charge(&order, "tok_slow"));
    let left = tokio::time::timeout(SLOW / 3, call).await;
    assert!(
        left.is_err(),
        "the caller leaves before the provider answers"
    );
    // The service stops only when the money has arrived.
    let stop = CancellationToken::new();
    stop.cancel();
    let arrival = (payment.task("arrival").start)(stop);
    tokio::time::timeout(Duration::from_secs(10), arrival)
        .await
        .expect("it arrives");
    let kept = payment.payment(&order).await.expect("a payment");
    assert_eq!(kept.status(), PaymentStatus::Completed);
}

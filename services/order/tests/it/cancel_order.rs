//! CancelOrder: at every time, and what it gives back.

use std::time::Duration;

use call::Role;
use order::saga::fail_point::FailPoints;
use proto::order::v1::{CancelOrderRequest, EndReason, OrderStatus};
use testkit::{Engine, both_engines};
use tonic::Code;

use crate::shop::{Shop, eventually, keyed, person, refusal};
use crate::world::{Charge, Fault, Goods};

fn cancel(order_id: &str) -> CancelOrderRequest {
    CancelOrderRequest {
        order_id: order_id.to_owned(),
        reason: "changed my mind".to_owned(),
    }
}

/// row: D9
#[both_engines]
async fn a_confirmed_order_gives_stock_and_money_back_once(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 2)], "tok_ok").await.unwrap();
    let answer = shop
        .customer(1)
        .cancel_order(cancel(&order.id))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.order.unwrap().status(), OrderStatus::Cancelling);
    let ended = shop.ended(1, &order.id).await;
    assert_eq!(
        (ended.status(), ended.end_reason()),
        (OrderStatus::Cancelled, EndReason::CustomerRequest)
    );
    assert_eq!(shop.world.goods(&order.id), Some(Goods::Released));
    assert_eq!(shop.world.charge(&order.id), Some(Charge::Refunded(3998)));
    assert_eq!(
        shop.world.calls_about(&order.id)[3..],
        ["ReleaseStock", "RefundPayment"]
    );
    let again = shop
        .customer(1)
        .cancel_order(cancel(&order.id))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        again.order.unwrap(),
        ended,
        "repeated, it answers the order as it is now"
    );
    let facts = shop.facts(&order.id).await;
    assert_eq!(
        facts[2..],
        [
            "order.confirmed",
            "order.cancellation_started",
            "order.cancelled"
        ]
    );
}

/// A cancel while a step is out: the step may still happen, and is given back all the same.
///
/// row: D9, E8, R-05
#[both_engines]
async fn a_cancel_overtakes_every_step(engine: Engine) {
    let config = order::Config {
        outcome_wait_ms: 50,
        ..Default::default()
    };
    for method in ["ReserveStock", "ProcessPayment", "CommitStock"] {
        let shop = Shop::on_with(engine, config.clone(), FailPoints::default()).await;
        shop.world
            .script(method, Fault::Delay(Duration::from_millis(400)));
        let order = shop.buy(1, &[("lamp", 2)], "tok_ok").await.unwrap();
        assert!(matches!(
            order.status(),
            OrderStatus::Pending | OrderStatus::Paid
        ));
        shop.customer(1)
            .cancel_order(cancel(&order.id))
            .await
            .unwrap();
        let ended = shop.ended(1, &order.id).await;
        assert_eq!(ended.status(), OrderStatus::Cancelled, "during {method}");
        assert_eq!(shop.world.taken("lamp"), 0, "during {method}");
        assert!(
            !matches!(shop.world.charge(&order.id), Some(Charge::Captured(_))),
            "during {method}"
        );
    }
}

/// A step that its peer said it would not do, and does late, after the cancellation has ended.
///
/// row: D9, R-05, D12, D13
#[both_engines]
async fn a_step_that_arrives_after_its_undo_has_no_effect(engine: Engine) {
    let config = order::Config {
        outcome_wait_ms: 50,
        ..Default::default()
    };
    for method in ["ReserveStock", "ProcessPayment"] {
        let shop = Shop::on_with(engine, config.clone(), FailPoints::default()).await;
        shop.world
            .always(method, Some(Fault::Late(Duration::from_millis(700))));
        let order = shop.buy(1, &[("lamp", 2)], "tok_ok").await.unwrap();
        shop.customer(1)
            .cancel_order(cancel(&order.id))
            .await
            .unwrap();
        assert_eq!(
            shop.ended(1, &order.id).await.status(),
            OrderStatus::Cancelled
        );
        tokio::time::sleep(Duration::from_millis(900)).await; // the late ones have come
        assert_eq!(shop.world.taken("lamp"), 0, "{method}");
        assert!(
            !matches!(shop.world.charge(&order.id), Some(Charge::Captured(_))),
            "{method}"
        );
    }
}

/// row: D9
#[both_engines]
async fn a_day_after_confirmation_and_after_a_rejection_it_is_refused(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let rejected = refusal(shop.buy(1, &[("lamp", 1)], "tok_declined").await).2;
    let refused = refusal(shop.customer(1).cancel_order(cancel(&rejected)).await);
    assert_eq!(
        (refused.0, refused.1.as_str()),
        (Code::FailedPrecondition, "ORDER_ENDED")
    );
    shop.time.advance(Duration::from_secs(24 * 60 * 60));
    let refused = refusal(shop.customer(1).cancel_order(cancel(&order.id)).await);
    assert_eq!(
        (refused.0, refused.1.as_str()),
        (Code::FailedPrecondition, "CANCELLATION_TOO_LATE")
    );
    assert_eq!(shop.order(1, &order.id).await, order);
    assert_eq!(shop.facts(&order.id).await.len(), 3);
}

/// row: D9, S-05
#[both_engines]
async fn support_cancels_for_a_customer_and_others_do_not_find_the_order(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let foreign = shop.customer(2).cancel_order(cancel(&order.id)).await;
    assert_eq!(refusal(foreign).0, Code::NotFound);
    let mut support = shop.client(person(9, &[Role::Support]));
    support.cancel_order(cancel(&order.id)).await.unwrap();
    let ended = shop.ended(1, &order.id).await;
    assert_eq!(
        (ended.status(), ended.end_reason()),
        (OrderStatus::Cancelled, EndReason::StaffRequest)
    );
}

/// row: S-16, X16, I8
#[both_engines]
async fn a_key_gives_the_first_answer_again(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let other = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let first = shop
        .customer(1)
        .cancel_order(keyed("k", cancel(&order.id)))
        .await
        .unwrap()
        .into_inner();
    shop.ended(1, &order.id).await;
    let again = shop
        .customer(1)
        .cancel_order(keyed("k", cancel(&order.id)))
        .await
        .unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(again.into_inner(), first);
    let misused = shop
        .customer(1)
        .cancel_order(keyed("k", cancel(&other.id)))
        .await;
    assert_eq!(refusal(misused).0, Code::InvalidArgument);
    assert_eq!(
        shop.order(1, &other.id).await.status(),
        OrderStatus::Confirmed
    );
}

/// row: D9, E8
#[both_engines]
async fn an_undo_is_tried_until_it_is_done(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    for fault in [
        Fault::Fail(call::Code::Unavailable),
        Fault::Lose,
        Fault::Fail(call::Code::Internal),
    ] {
        shop.world.script("ReleaseStock", fault);
        shop.world.script("RefundPayment", fault);
    }
    shop.customer(1)
        .cancel_order(cancel(&order.id))
        .await
        .unwrap();
    assert_eq!(
        shop.ended(1, &order.id).await.status(),
        OrderStatus::Cancelled
    );
    let calls = shop.world.calls_about(&order.id);
    assert_eq!(
        calls.iter().filter(|call| *call == "ReleaseStock").count(),
        4
    );
    assert_eq!(shop.world.charge(&order.id), Some(Charge::Refunded(1999)));
    assert_eq!(shop.world.books().stock["lamp"], 100);
}

/// An undo whose answer was lost has used its key; a cancel then changes why the order ends, and
/// with it what the next attempt asks. Peers refuse a key that stands for another request.
///
/// row: D9, E8, S-16
#[both_engines]
async fn a_cancel_during_an_undo_meets_no_used_key(engine: Engine) {
    for (method, undo, reason) in [
        ("tok_declined", "ReleaseStock", EndReason::PaymentDeclined),
        ("tok_ok", "RefundPayment", EndReason::PaymentUnavailable),
    ] {
        let config = order::Config {
            outcome_wait_ms: 50,
            ..Default::default()
        };
        let shop = Shop::on_with(engine, config, FailPoints::default()).await;
        if reason == EndReason::PaymentUnavailable {
            let away = Fault::Fail(call::Code::Unavailable);
            shop.world.always("ProcessPayment", Some(away));
        }
        shop.world.always(undo, Some(Fault::Lose));
        let order = shop.buy(1, &[("lamp", 1)], method).await.unwrap();
        shop.time.advance(Duration::from_secs(601)); // nobody waits for a step that long
        let tried = async || {
            let calls = shop.world.calls_about(&order.id);
            calls.iter().any(|call| call == undo).then_some(())
        };
        eventually(tried).await;
        assert_eq!(
            shop.order(1, &order.id).await.status(),
            OrderStatus::Pending
        );
        shop.customer(1)
            .cancel_order(cancel(&order.id))
            .await
            .unwrap();
        shop.world.always(undo, None);
        let ended = shop.ended(1, &order.id).await;
        assert_eq!(
            (ended.status(), ended.end_reason()),
            (OrderStatus::Cancelled, EndReason::CustomerRequest)
        );
        assert_eq!(shop.world.taken("lamp"), 0, "{undo}");
        assert!(
            !matches!(shop.world.charge(&order.id), Some(Charge::Captured(_))),
            "{undo}"
        );
    }
}

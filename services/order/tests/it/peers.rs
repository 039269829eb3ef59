//! What a caller sees of a peer's trouble.

use std::time::Duration;

use call::Code;
use order::saga::fail_point::FailPoints;
use proto::order::v1::GetOrderTimelineRequest;
use testkit::{Engine, Fixture, both_engines};

use crate::shop::{Shop, eventually};
use crate::world::Fault;

/// row: C6, C7, C8
#[both_engines]
async fn each_code_of_a_peer_reads_as_the_contract_says(engine: Engine) {
    use tonic::Code as Seen;
    let table = [
        (Code::Canceled, Seen::Unavailable),
        (Code::Unknown, Seen::Internal),
        (Code::InvalidArgument, Seen::Internal),
        (Code::DeadlineExceeded, Seen::DeadlineExceeded),
        (Code::NotFound, Seen::InvalidArgument),
        (Code::AlreadyExists, Seen::Internal),
        (Code::PermissionDenied, Seen::Internal),
        (Code::ResourceExhausted, Seen::Unavailable),
        (Code::FailedPrecondition, Seen::Internal),
        (Code::Aborted, Seen::Aborted),
        (Code::OutOfRange, Seen::Internal),
        (Code::Unimplemented, Seen::Internal),
        (Code::Internal, Seen::Internal),
        (Code::Unavailable, Seen::Unavailable),
        (Code::DataLoss, Seen::Internal),
        (Code::Unauthenticated, Seen::Internal),
    ];
    let shop = Shop::on(engine).await;
    for peer in ["GetProfile", "CheckAvailability", "QuoteItems"] {
        for (code, seen) in table {
            shop.world.script(peer, Fault::Fail(code));
            let error = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap_err();
            assert_eq!(error.code(), seen, "{peer} answered {code:?}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
            let retry_after = error.metadata().contains_key("retry-after");
            assert_eq!(
                retry_after,
                code == Code::ResourceExhausted,
                "{peer} answered {code:?}"
            );
        }
    }
    assert_eq!(shop.order_count().await, 0);
}

/// A step is asked again whatever its trouble is called, and the order is confirmed all the same.
///
/// row: E8
#[both_engines]
async fn a_step_in_trouble_is_asked_again(shop: Shop) {
    for method in ["ReserveStock", "ProcessPayment", "CommitStock"] {
        for fault in [Fault::Fail(Code::Unavailable), Fault::Lose] {
            shop.world.script(method, fault);
        }
    }
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let ended = shop.ended(1, &order.id).await;
    assert_eq!(ended.status(), proto::order::v1::OrderStatus::Confirmed);
    assert_eq!(shop.world.calls_about(&order.id).len(), 9);
    assert_eq!(shop.world.books().stock["lamp"], 99);
}

/// A payment service that hangs takes every place of its own, and none of the inventory's.
///
/// row: C4, E9
#[both_engines]
async fn a_peer_that_hangs_keeps_no_checkout_from_another_peer(engine: Engine) {
    let config = order::Config {
        calls_max: 2,
        outcome_wait_ms: 0,
        ..order::Config::default()
    };
    let shop = Shop::on_with(engine, config, FailPoints::default()).await;
    let hangs = Fault::Delay(Duration::from_secs(60));
    shop.world.always("ProcessPayment", Some(hangs));
    let mut orders = Vec::new();
    // One more than there are places.
    for number in 1..=3 {
        let order = shop.buy(number, &[("lamp", 1)], "tok_ok").await.unwrap();
        let id = order.id.clone();
        eventually(async || shop.world.goods(&id)).await;
        orders.push(order);
    }
    let request = GetOrderTimelineRequest {
        order_id: orders[0].id.clone(),
    };
    let timeline = shop.customer(1).get_order_timeline(request).await.unwrap();
    let entries = timeline.into_inner().entries;
    let tried = entries.iter().any(|entry| entry.step == "process-payment");
    assert!(!tried, "all have their goods while the first call hangs");
    shop.world.always("ProcessPayment", None);
}

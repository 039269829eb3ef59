//! ReserveStock.

use proto::inventory::v1::{ReservationState, ReserveStockRequest};
use proto::wkt::Duration;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, is_replayed, keyed, order_id, refusal, reserve};

/// row: D12, E10
#[both_engines]
async fn it_holds_all_items_once(inventory: TestApp) {
    inventory.stock(&[("lamp", 5), ("rug", 1)]).await;
    let order = order_id();
    let request = reserve(&order, &[("rug", 1), ("lamp", 2)]);
    let first = inventory
        .order()
        .reserve_stock(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = inventory
        .order()
        .reserve_stock(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, again);
    let held = first.reservation.unwrap();
    assert_eq!(held.state(), ReservationState::Held);
    assert_eq!(held.items.len(), 2);
    let until = inventory.clock.now() + chrono::TimeDelta::minutes(15);
    assert_eq!(held.expires_at, Some(until.into()));
    assert_eq!(inventory.counts("lamp").await, [3, 2, 0]);
    assert_eq!(inventory.counts("rug").await, [0, 1, 0]);
    assert_eq!(inventory.facts(&order).await, ["inventory.reserved 1"]);
    assert_eq!(
        inventory.facts("lamp").await,
        ["stock.changed 1", "stock.changed 2"]
    );
}

/// row: D12, C1, E10
#[both_engines]
async fn one_short_item_holds_nothing_and_the_refusal_is_remembered(inventory: TestApp) {
    inventory.stock(&[("lamp", 5), ("rug", 1)]).await;
    for list in [&[("lamp", 2), ("rug", 2), ("sofa", 1)][..], &[("rug", 2)]] {
        let order = order_id();
        let status = inventory
            .order()
            .reserve_stock(reserve(&order, list))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::FailedPrecondition, "Out of stock")
        );
        let (_, reason, metadata) = call::error::reason_of(&status).unwrap();
        assert_eq!(reason, "OUT_OF_STOCK");
        assert_eq!(
            metadata["skus"],
            if list.len() == 3 { "rug,sofa" } else { "rug" }
        );
        assert_eq!(inventory.counts("lamp").await, [5, 0, 0]);
        assert_eq!(inventory.counts("rug").await, [1, 0, 0]);
        // A late copy of the command must not hold what the order was told it cannot have.
        inventory.stock(&[("rug", 10)]).await;
        let late = inventory
            .order()
            .reserve_stock(reserve(&order, list))
            .await
            .unwrap_err();
        assert_eq!(
            (late.code(), late.message()),
            (status.code(), status.message())
        );
        assert_eq!(late.details(), status.details());
        assert_eq!(
            inventory.facts(&order).await,
            ["inventory.reservation_failed 1"]
        );
        let out = proto::inventory::v1::AdjustStockRequest {
            sku: "rug".to_owned(),
            delta: -10,
            reason: "back".to_owned(),
        };
        inventory.operator().adjust_stock(out).await.unwrap();
    }
    // What was moved and moved back left no gap in the facts.
    inventory.stock(&[("lamp", 1)]).await;
    assert_eq!(
        inventory.facts("lamp").await,
        ["stock.changed 1", "stock.changed 2"]
    );
}

/// row: D12
#[both_engines]
async fn an_order_reserves_one_list_of_items(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let order = order_id();
    inventory.reserved(&order, &[("lamp", 2)]).await;
    let other = inventory
        .order()
        .reserve_stock(reserve(&order, &[("lamp", 3)]))
        .await;
    assert_eq!(
        refusal(other),
        (Code::FailedPrecondition, "RESERVATION_CONFLICT".to_owned())
    );
    // The same pieces in two lines are the same items.
    let split = reserve(&order, &[("lamp", 1), ("lamp", 1)]);
    inventory.order().reserve_stock(split).await.unwrap();
    assert_eq!(inventory.counts("lamp").await, [3, 2, 0]);
}

/// row: D12
#[both_engines]
async fn a_late_reserve_is_refused(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let order = order_id();
    inventory.released(&order).await;
    let late = inventory
        .order()
        .reserve_stock(reserve(&order, &[("lamp", 2)]))
        .await;
    assert_eq!(
        refusal(late),
        (Code::FailedPrecondition, "RESERVATION_RELEASED".to_owned())
    );
    assert_eq!(inventory.counts("lamp").await, [5, 0, 0]);
    assert_eq!(inventory.facts(&order).await, ["inventory.released 1"]);
}

/// However many others were overdue for longer: "out of stock" is for good.
///
/// row: D12
#[both_engines]
async fn every_overdue_hold_comes_back_before_anything_is_out_of_stock(inventory: TestApp) {
    inventory.stock(&[("chair", 110), ("lamp", 1)]).await;
    let hold = async |sku| {
        let mut orders = inventory.order();
        let held = orders
            .reserve_stock(reserve(&order_id(), &[(sku, 1)]))
            .await;
        held.unwrap();
    };
    for _ in 0..110 {
        hold("chair").await; // more than two batches
    }
    inventory.pass(1);
    hold("lamp").await;
    inventory.pass(15 * 60);
    hold("lamp").await;
    assert_eq!(inventory.counts("lamp").await, [0, 1, 0]);
    assert_eq!(inventory.counts("chair").await, [110, 0, 0]);
}

/// row: D12
#[both_engines]
async fn a_hold_ends_and_its_pieces_are_sold_again(inventory: TestApp) {
    inventory.stock(&[("lamp", 2)]).await;
    let (first, second) = (order_id(), order_id());
    inventory.reserved(&first, &[("lamp", 2)]).await;
    inventory.pass(15 * 60 - 1);
    let refused = inventory
        .order()
        .reserve_stock(reserve(&second, &[("lamp", 1)]))
        .await;
    assert_eq!(refusal(refused).1, "OUT_OF_STOCK");
    inventory.pass(1);
    // No sweeper runs in this test: whoever finds too little sweeps first.
    let third = order_id();
    inventory.reserved(&third, &[("lamp", 1)]).await;
    assert_eq!(inventory.counts("lamp").await, [1, 1, 0]);
    assert_eq!(
        inventory.facts(&first).await,
        ["inventory.reserved 1", "inventory.released 2"]
    );
    // The first order may still have what is left of it, if it asks again for what it had.
    let again = inventory
        .order()
        .reserve_stock(reserve(&first, &[("lamp", 2)]))
        .await;
    assert_eq!(refusal(again).1, "OUT_OF_STOCK");
}

/// row: D12
#[both_engines]
async fn a_hold_lasts_as_long_as_asked_and_at_most_an_hour(inventory: TestApp) {
    inventory.stock(&[("lamp", 2)]).await;
    let with_ttl = |seconds| ReserveStockRequest {
        ttl: Some(Duration { seconds, nanos: 0 }),
        ..reserve(&order_id(), &[("lamp", 1)])
    };
    for seconds in [0, -1, 3_601, i64::MAX] {
        let refused = inventory.order().reserve_stock(with_ttl(seconds)).await;
        assert_eq!(refusal(refused).0, Code::InvalidArgument, "{seconds}");
    }
    let held = inventory
        .order()
        .reserve_stock(with_ttl(3_600))
        .await
        .unwrap()
        .into_inner();
    let until = inventory.clock.now() + chrono::TimeDelta::hours(1);
    assert_eq!(held.reservation.unwrap().expires_at, Some(until.into()));
}

/// The order's id tells a repeat, so a key says nothing: neither is another order's request a
/// repeat, nor is a repeat a misuse.
///
/// row: I8, E10
#[both_engines]
async fn the_order_tells_a_repeat_and_no_key_does(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let (order, other) = (order_id(), order_id());
    let ask = |order: &str, pieces| keyed("k", reserve(order, &[("lamp", pieces)]));
    let held = async |order: &str, pieces| {
        let answer = inventory.order().reserve_stock(ask(order, pieces)).await;
        let answer = answer.unwrap();
        assert!(!is_replayed(&answer));
        answer.into_inner()
    };
    assert_eq!(held(&order, 2).await, held(&order, 2).await);
    held(&other, 1).await;
    assert_eq!(inventory.counts("lamp").await, [2, 3, 0]);
    let short = async || inventory.order().reserve_stock(ask(&order_id(), 9)).await;
    assert_eq!(short().await.unwrap_err().code(), Code::FailedPrecondition);
}

/// row: E10
#[both_engines]
async fn a_refusal_is_repeated_alike(inventory: TestApp) {
    inventory.stock(&[("lamp", 2)]).await;
    let order = order_id();
    let refused = async || {
        let request = reserve(&order, &[("lamp", 3)]);
        let status = inventory.order().reserve_stock(request).await.unwrap_err();
        (
            status.code(),
            status.message().to_owned(),
            status.details().to_vec(),
        )
    };
    let first = refused().await;
    assert_eq!(first.0, Code::FailedPrecondition);
    assert_eq!(refused().await, first);
}

/// row: P18, S-20
#[both_engines]
async fn what_is_no_order_changes_nothing(inventory: TestApp) {
    inventory.stock(&[("lamp", 200)]).await;
    for bad in [
        reserve("", &[("lamp", 1)]),
        reserve("not-a-uuid", &[("lamp", 1)]),
        reserve(&order_id(), &[]),
        reserve(&order_id(), &[("", 1)]),
        reserve(&order_id(), &[("lamp", 0)]),
        reserve(&order_id(), &[("lamp", -1)]),
        reserve(&order_id(), &[("lamp", 101)]),
        reserve(&order_id(), &[("lamp", 60), ("lamp", 60)]),
    ] {
        let refused = inventory.order().reserve_stock(bad.clone()).await;
        assert_eq!(refusal(refused).0, Code::InvalidArgument, "{bad:?}");
    }
    assert_eq!(inventory.counts("lamp").await, [200, 0, 0]);
}

//! AdjustStock.

use proto::inventory::v1::AdjustStockRequest;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, is_replayed, keyed, order_id, refusal};

fn adjust(sku: &str, delta: i64) -> AdjustStockRequest {
    AdjustStockRequest {
        sku: sku.to_owned(),
        delta,
        reason: "count".to_owned(),
    }
}

/// row: I1
#[both_engines]
async fn pieces_come_and_go_but_not_those_that_are_held(inventory: TestApp) {
    let missing = inventory.operator().adjust_stock(adjust("lamp", -1)).await;
    assert_eq!(
        refusal(missing),
        (Code::NotFound, "SKU_NOT_FOUND".to_owned())
    );
    inventory.stock(&[("lamp", 5)]).await;
    inventory.reserved(&order_id(), &[("lamp", 2)]).await;
    let too_many = inventory.operator().adjust_stock(adjust("lamp", -4)).await;
    assert_eq!(
        refusal(too_many),
        (Code::FailedPrecondition, "NOT_ENOUGH_STOCK".to_owned())
    );
    let level = inventory
        .operator()
        .adjust_stock(adjust("lamp", -3))
        .await
        .unwrap();
    let level = level.into_inner().level.unwrap();
    assert_eq!((level.available, level.reserved, level.received), (0, 2, 2));
    assert_eq!(
        inventory.facts("lamp").await,
        ["stock.changed 1", "stock.changed 2", "stock.changed 3"]
    );
}

/// row: S-16, I8
#[both_engines]
async fn a_key_adjusts_once(inventory: TestApp) {
    let first = inventory
        .operator()
        .adjust_stock(keyed("k", adjust("lamp", 5)))
        .await
        .unwrap();
    inventory.stock(&[("lamp", 1)]).await;
    let again = inventory
        .operator()
        .adjust_stock(keyed("k", adjust("lamp", 5)))
        .await
        .unwrap();
    assert!(is_replayed(&again) && !is_replayed(&first));
    assert_eq!(first.into_inner(), again.into_inner());
    let misuse = inventory
        .operator()
        .adjust_stock(keyed("k", adjust("lamp", 6)))
        .await;
    assert_eq!(refusal(misuse).0, Code::InvalidArgument);
    assert_eq!(inventory.counts("lamp").await, [6, 0, 0]);
}

/// row: S-16
#[both_engines]
async fn a_key_is_free_again_after_a_day(inventory: TestApp) {
    inventory
        .operator()
        .adjust_stock(keyed("k", adjust("lamp", 5)))
        .await
        .unwrap();
    inventory.pass(24 * 60 * 60 + 1);
    let fresh = inventory
        .operator()
        .adjust_stock(keyed("k", adjust("lamp", 5)))
        .await
        .unwrap();
    assert!(!is_replayed(&fresh));
    assert_eq!(inventory.counts("lamp").await, [10, 0, 0]);
}

/// row: P18, S-20
#[both_engines]
async fn a_delta_has_bounds(inventory: TestApp) {
    for delta in [i64::MAX, i64::MIN, 1_000_001] {
        let refused = inventory
            .operator()
            .adjust_stock(adjust("lamp", delta))
            .await;
        assert_eq!(refusal(refused).0, Code::InvalidArgument, "{delta}");
    }
}

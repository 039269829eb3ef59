//! ReleaseStock.

use proto::inventory::v1::{ReleaseStockRequest, ReservationState};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, commit, order_id, refusal, release, reserve};

/// row: D12, D9
#[both_engines]
async fn it_gives_back_what_is_held_or_sold_once(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    for sold in [false, true] {
        let order = order_id();
        inventory.reserved(&order, &[("lamp", 2)]).await;
        if sold {
            inventory.committed(&order).await;
        }
        for _ in 0..2 {
            let back = inventory.released(&order).await;
            let state = back.state();
            assert_eq!(state, ReservationState::Released);
        }
        assert_eq!(inventory.counts("lamp").await, [5, 0, 0]);
        let facts = inventory.facts(&order).await;
        assert_eq!(
            facts.last().unwrap(),
            if sold {
                "inventory.released 3"
            } else {
                "inventory.released 2"
            }
        );
    }
}

/// row: D12
#[both_engines]
async fn it_is_remembered_whatever_was_before(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let (never, expired, short) = (order_id(), order_id(), order_id());
    inventory
        .order()
        .reserve_stock(reserve(&short, &[("lamp", 6)]))
        .await
        .unwrap_err();
    inventory.reserved(&expired, &[("lamp", 2)]).await;
    inventory.pass(15 * 60);
    for order in [never, expired, short] {
        inventory.released(&order).await;
        let late = inventory
            .order()
            .reserve_stock(reserve(&order, &[("lamp", 2)]))
            .await;
        assert_eq!(refusal(late).1, "RESERVATION_RELEASED");
        let late = inventory.order().commit_stock(commit(&order)).await;
        assert_eq!(refusal(late).1, "RESERVATION_RELEASED");
    }
    assert_eq!(inventory.counts("lamp").await, [5, 0, 0]);
}

/// row: P18
#[both_engines]
async fn a_reason_is_one_of_three(inventory: TestApp) {
    for reason in ["", "cancelled", "BORED"] {
        let request = ReleaseStockRequest {
            reason: reason.to_owned(),
            ..release(&order_id())
        };
        let refused = inventory.order().release_stock(request).await;
        assert_eq!(refusal(refused).0, Code::InvalidArgument, "{reason}");
    }
}

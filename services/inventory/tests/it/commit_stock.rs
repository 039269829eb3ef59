//! CommitStock.

use proto::inventory::v1::ReservationState;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, commit, order_id, refusal, reserve};

/// row: D12, I1
#[both_engines]
async fn it_sells_what_is_held_once(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let order = order_id();
    inventory.reserved(&order, &[("lamp", 2)]).await;
    for _ in 0..2 {
        let sold = inventory.committed(&order).await;
        let state = sold.state();
        assert_eq!(state, ReservationState::Committed);
    }
    assert_eq!(inventory.counts("lamp").await, [3, 0, 2]);
    assert_eq!(
        inventory.facts(&order).await,
        ["inventory.reserved 1", "inventory.committed 2"]
    );
    // Nothing changed for other buyers.
    assert_eq!(
        inventory.facts("lamp").await,
        ["stock.changed 1", "stock.changed 2"]
    );
}

/// row: D12
#[both_engines]
async fn there_must_be_a_reservation(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let (never, released, short) = (order_id(), order_id(), order_id());
    inventory.released(&released).await;
    inventory
        .order()
        .reserve_stock(reserve(&short, &[("lamp", 6)]))
        .await
        .unwrap_err();
    for (order, reason) in [
        (never, "RESERVATION_MISSING"),
        (released, "RESERVATION_RELEASED"),
        (short, "OUT_OF_STOCK"),
    ] {
        let refused = inventory.order().commit_stock(commit(&order)).await;
        assert_eq!(
            refusal(refused),
            (Code::FailedPrecondition, reason.to_owned())
        );
    }
    assert_eq!(inventory.counts("lamp").await, [5, 0, 0]);
}

/// row: D12
#[both_engines]
async fn an_expired_hold_is_sold_if_the_pieces_are_still_there(inventory: TestApp) {
    inventory.stock(&[("lamp", 2), ("rug", 1)]).await;
    let (late, lost) = (order_id(), order_id());
    inventory.reserved(&late, &[("lamp", 2)]).await;
    inventory.reserved(&lost, &[("rug", 1)]).await;
    inventory.pass(15 * 60);
    let other = order_id();
    inventory.reserved(&other, &[("rug", 1)]).await;

    inventory.committed(&late).await;
    assert_eq!(inventory.counts("lamp").await, [0, 0, 2]);

    for _ in 0..2 {
        let refused = inventory.order().commit_stock(commit(&lost)).await;
        let expected = (Code::FailedPrecondition, "RESERVATION_EXPIRED".to_owned());
        assert_eq!(refusal(refused), expected);
    }
    assert_eq!(inventory.counts("rug").await, [0, 1, 0]);
    assert_eq!(
        inventory.facts(&lost).await,
        [
            "inventory.reserved 1",
            "inventory.released 2",
            "inventory.commit_failed 3"
        ]
    );
}

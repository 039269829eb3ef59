//! Overdue reservations, given back in the background.

use std::time::Duration;

use testkit::app::eventually;
use testkit::both_engines;
use tokio_util::sync::CancellationToken;

use crate::app::{TestApp, order_id};

/// row: D12
#[both_engines]
async fn overdue_holds_come_back_by_themselves_and_the_task_ends(inventory: TestApp) {
    inventory.stock(&[("lamp", 120)]).await;
    // More than one batch.
    for _ in 0..60 {
        inventory.reserved(&order_id(), &[("lamp", 2)]).await;
    }
    inventory.pass(15 * 60);
    let stop = CancellationToken::new();
    let task = tokio::spawn((inventory.task("housekeeping").start)(stop.clone()));
    eventually(async || (inventory.counts("lamp").await == [120, 0, 0]).then_some(())).await;
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), task)
        .await
        .unwrap()
        .unwrap();
}

//! Overdue reservations, given back in the background.

use std::time::Duration;

use testkit::both_engines;
use tokio_util::sync::CancellationToken;

use crate::app::{TestApp, order_id, reserve};

/// row: D12
#[both_engines]
async fn overdue_holds_come_back_by_themselves_and_the_task_ends(mut inventory: TestApp) {
    inventory.stock(&[("lamp", 120)]).await;
    // More than one batch.
    for _ in 0..60 {
        inventory
            .order()
            .reserve_stock(reserve(&order_id(), &[("lamp", 2)]))
            .await
            .unwrap();
    }
    inventory.pass(15 * 60);
    let stop = CancellationToken::new();
    let task = tokio::spawn((inventory.task("housekeeping").start)(stop.clone()));
    let swept = async {
        while inventory.counts("lamp").await != [120, 0, 0] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), swept)
        .await
        .expect("holds come back");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), task)
        .await
        .unwrap()
        .unwrap();
}

//! Demo stock.

use inventory::demo::{DemoStock, seed};
use testkit::both_engines;

use crate::app::TestApp;

#[both_engines]
async fn it_is_seeded_once(inventory: TestApp) {
    let stock: Vec<_> = (0..200)
        .map(|number| DemoStock {
            sku: format!("sku-{number}"),
            pieces: number,
        })
        .collect();
    seed(&inventory.db, &inventory.clock, &stock).await.unwrap();
    inventory.stock(&[("sku-7", 1)]).await;
    seed(&inventory.db, &inventory.clock, &stock).await.unwrap();
    assert_eq!(inventory.counts("sku-0").await, [0, 0, 0]);
    assert_eq!(inventory.counts("sku-7").await, [8, 0, 0]);
    assert_eq!(
        inventory.facts("sku-7").await,
        ["stock.changed 1", "stock.changed 2"]
    );
    // A SKU that was seeded empty starts its versions at the first piece.
    inventory.stock(&[("sku-0", 3)]).await;
    assert_eq!(inventory.facts("sku-0").await, ["stock.changed 1"]);
}

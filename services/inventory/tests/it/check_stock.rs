//! CheckStock and GetStockLevel.

use call::Role;
use proto::inventory::v1::CheckStockRequest;
use serde_json::json;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, order_id, refusal, user};

/// row: D11, P1
#[both_engines]
async fn it_says_how_many_can_be_had_and_no_price(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let order = order_id();
    inventory.reserved(&order, &[("lamp", 2)]).await;
    let path = "/stoa.inventory.v1.InventoryService/CheckStock";
    let customer = user(&[Role::Customer]);
    let (status, body) = inventory.json(customer, path, json!({"sku": "lamp"})).await;
    let expected = json!({"sku": "lamp", "available": true, "availableQuantity": "3"});
    assert_eq!((status, body), (200, expected));
}

/// row: D11
#[both_engines]
async fn an_unknown_sku_is_not_found(inventory: TestApp) {
    let request = CheckStockRequest {
        sku: "lamp".to_owned(),
    };
    let answer = inventory.order().check_stock(request).await;
    assert_eq!(
        refusal(answer),
        (Code::NotFound, "SKU_NOT_FOUND".to_owned())
    );
}

/// row: P18
#[both_engines]
async fn a_sku_has_1_to_64_characters(inventory: TestApp) {
    for sku in [String::new(), "x".repeat(65)] {
        let answer = inventory
            .order()
            .check_stock(CheckStockRequest { sku })
            .await;
        assert_eq!(refusal(answer).0, Code::InvalidArgument);
    }
}

//! CheckAvailability.

use proto::inventory::v1::{CheckAvailabilityRequest, ItemAvailability};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, items, refusal};

/// row: D11
#[both_engines]
async fn a_hundred_skus_are_answered_in_one_call_in_order(inventory: TestApp) {
    let names: Vec<String> = (0..100)
        .rev()
        .map(|number| format!("sku-{number}"))
        .collect();
    let wanted: Vec<_> = names.iter().map(|name| (name.as_str(), 2)).collect();
    let stock: Vec<_> = (0..50).map(|number| (format!("sku-{number}"), 2)).collect();
    let stock: Vec<_> = stock
        .iter()
        .map(|(name, pieces)| (name.as_str(), *pieces))
        .collect();
    inventory.stock(&stock).await;
    let request = CheckAvailabilityRequest {
        items: items(&wanted),
    };
    let answer = inventory
        .order()
        .check_availability(request)
        .await
        .unwrap()
        .into_inner();
    assert!(!answer.all_available);
    let expected = |name: &String| {
        let number: i32 = name.trim_start_matches("sku-").parse().unwrap();
        let known = number < 50;
        ItemAvailability {
            sku: name.clone(),
            requested: 2,
            available_quantity: if known { 2 } else { 0 },
            available: known,
        }
    };
    assert_eq!(answer.items, names.iter().map(expected).collect::<Vec<_>>());
}

/// row: D11, S-20
#[both_engines]
async fn repeats_of_a_sku_are_judged_together(inventory: TestApp) {
    inventory.stock(&[("lamp", 3)]).await;
    for (list, all) in [
        (&[("lamp", 2), ("lamp", 2)], false),
        (&[("lamp", 2), ("lamp", 1)], true),
    ] {
        let request = CheckAvailabilityRequest { items: items(list) };
        let answer = inventory.order().check_availability(request).await.unwrap();
        assert_eq!(answer.into_inner().all_available, all, "{list:?}");
    }
}

/// row: P18, S-20
#[both_engines]
async fn a_list_has_1_to_100_items_of_1_to_100_pieces(inventory: TestApp) {
    let many = vec![("lamp", 1); 101];
    for list in [
        &[][..],
        &many,
        &[("lamp", 0)],
        &[("lamp", -1)],
        &[("lamp", i32::MAX)],
    ] {
        let request = CheckAvailabilityRequest { items: items(list) };
        let answer = inventory.order().check_availability(request).await;
        assert_eq!(refusal(answer).0, Code::InvalidArgument);
    }
}

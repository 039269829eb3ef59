//! CheckAvailability.

use std::collections::BTreeMap;

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::inventory::v1::{
    CheckAvailabilityRequest, CheckAvailabilityResponse, ItemAvailability, StockItem,
};

use crate::domain::item::Sku;
use crate::{App, stock};

/// Answers for up to 100 SKUs in one query. Repeats of a SKU are judged together: each line
/// can be had only if all of them can.
pub async fn check_availability(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<CheckAvailabilityRequest>,
) -> Result<ConnectResponse<CheckAvailabilityResponse>, ConnectError> {
    let wanted = edge::valid(request)?.into_inner().items;
    let mut sums = BTreeMap::<Sku, i64>::new();
    for item in &wanted {
        *sums.entry(Sku::new(&item.sku)).or_default() += i64::from(item.quantity);
    }
    let skus: Vec<Sku> = sums.keys().cloned().collect();
    let available = stock::available(&app, &skus).await?;
    let items: Vec<_> = wanted
        .into_iter()
        .map(|item| line(item, &sums, &available))
        .collect();
    let all_available = items.iter().all(|item| item.available);
    Ok(ConnectResponse::new(CheckAvailabilityResponse {
        items,
        all_available,
    }))
}

fn line(
    item: StockItem,
    sums: &BTreeMap<Sku, i64>,
    available: &BTreeMap<Sku, i64>,
) -> ItemAvailability {
    let count = |counts: &BTreeMap<Sku, i64>| counts.get(&Sku::new(&item.sku)).copied();
    let available_quantity = count(available).unwrap_or(0);
    ItemAvailability {
        available: available_quantity >= count(sums).unwrap_or(0),
        available_quantity,
        requested: item.quantity,
        sku: item.sku,
    }
}

//! CheckStock.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::inventory::v1::{CheckStockRequest, CheckStockResponse};

use crate::domain::item::Sku;
use crate::domain::level::Level;
use crate::{App, stock};

/// Says how many pieces of a SKU can be had.
pub async fn check_stock(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<CheckStockRequest>,
) -> Result<ConnectResponse<CheckStockResponse>, ConnectError> {
    let sku = Sku::new(edge::valid(request)?.into_inner().sku);
    let level = stock::level(&app, sku).await?;
    Ok(ConnectResponse::new(level.into()))
}

impl From<Level> for CheckStockResponse {
    fn from(level: Level) -> Self {
        Self {
            sku: level.sku.to_string(),
            available: level.counts.available > 0,
            available_quantity: level.counts.available,
        }
    }
}

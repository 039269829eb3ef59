//! GetStockLevel.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::inventory::v1::{GetStockLevelRequest, GetStockLevelResponse};

use crate::domain::item::Sku;
use crate::{App, stock};

/// Reads the full count of a SKU.
pub async fn get_stock_level(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<GetStockLevelRequest>,
) -> Result<ConnectResponse<GetStockLevelResponse>, ConnectError> {
    let sku = Sku::new(edge::valid(request)?.into_inner().sku);
    let level = stock::level(&app, sku).await?;
    Ok(ConnectResponse::new(GetStockLevelResponse {
        level: Some(level.into()),
    }))
}

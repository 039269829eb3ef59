//! BatchGetPrices.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::pricing::v1::{BatchGetPricesRequest, BatchGetPricesResponse};

use crate::domain::sku::Sku;
use crate::wire::currency;
use crate::{App, price_list};

/// Reads the prices of many SKUs at once.
pub async fn batch_get_prices(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<BatchGetPricesRequest>,
) -> Result<ConnectResponse<BatchGetPricesResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    let currency = currency(&request.currency_code, &app)?;
    let skus = request.skus.into_iter().map(Sku::new).collect();
    let (prices, missing) = price_list::get_many(&app, skus, currency).await?;
    Ok(ConnectResponse::new(BatchGetPricesResponse {
        prices: prices.into_iter().map(Into::into).collect(),
        missing: missing.into_iter().map(Sku::into_string).collect(),
    }))
}

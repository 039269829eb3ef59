//! GetPrice.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::pricing::v1::{GetPriceRequest, GetPriceResponse};

use crate::domain::sku::Sku;
use crate::wire::currency;
use crate::{App, price_list};

/// Reads the price of one SKU.
pub async fn get_price(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<GetPriceRequest>,
) -> Result<ConnectResponse<GetPriceResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    let currency = currency(&request.currency_code, &app)?;
    let price = price_list::get(&app, Sku::new(request.sku), currency).await?;
    Ok(ConnectResponse::new(GetPriceResponse {
        price: Some(price.into()),
    }))
}

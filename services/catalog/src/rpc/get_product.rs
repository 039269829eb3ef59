//! GetProduct.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::catalog::v1::{GetProductRequest, GetProductResponse};

use crate::wire::product_id;
use crate::{App, products};

/// Reads one product.
pub async fn get_product(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<GetProductRequest>,
) -> Result<ConnectResponse<GetProductResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let product = products::get(&app, product_id(&request.id)?).await?;
    Ok(ConnectResponse::new(GetProductResponse {
        product: Some(product.into()),
    }))
}

//! CreateProduct.

use axum::extract::State;
use proto::catalog::v1::{CreateProductRequest, CreateProductResponse, catalog_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse, Valid};

use crate::domain::product::{Draft, Product, Sku};
use crate::{App, products};
use command::Command;

/// Puts a product into the catalog.
pub async fn create_product(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CreateProductRequest>,
) -> Result<ConnectResponse<CreateProductResponse>, ConnectError> {
    let command = Command::of(&call, catalog_service::CREATE_PRODUCT, &request);
    let draft = Draft::from(rpc::valid(request)?);
    let answer = products::create(&app, &command, &draft).await?;
    Ok(answer.respond(&call))
}

impl From<Valid<CreateProductRequest>> for Draft {
    fn from(request: Valid<CreateProductRequest>) -> Self {
        let request = request.into_inner();
        Self {
            sku: Sku::new(request.sku),
            name: request.name,
            description: request.description,
            category: request.category,
            image_url: request.image_url,
        }
    }
}

impl From<Product> for CreateProductResponse {
    fn from(product: Product) -> Self {
        Self {
            product: Some(product.into()),
        }
    }
}

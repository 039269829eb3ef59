//! CreateProduct.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use edge::Valid;
use proto::catalog::v1::{CreateProductRequest, CreateProductResponse, catalog_service};

use crate::domain::product::{NewProduct, Product, Sku};
use crate::{App, products};
use command::Command;
use futures::{FutureExt, TryFutureExt};

/// Puts a product into the catalog.
pub async fn create_product(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CreateProductRequest>,
) -> Result<ConnectResponse<CreateProductResponse>, ConnectError> {
    let command = Command::of(&call, catalog_service::CREATE_PRODUCT, &request);
    let draft = NewProduct::from(edge::valid(request)?);
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        products::create(work, &draft).map_ok(Into::into).boxed()
    });
    Ok(answer.await?.respond(&call))
}

impl From<Valid<CreateProductRequest>> for NewProduct {
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

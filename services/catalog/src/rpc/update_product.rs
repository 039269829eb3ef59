//! UpdateProduct.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::catalog::v1::{UpdateProductRequest, UpdateProductResponse, catalog_service};

use crate::domain::product::{Product, Revision};
use crate::wire::product_id;
use crate::{App, products};
use command::Command;
use futures::{FutureExt, TryFutureExt};

/// Changes the fields that are present; an empty text clears all but the name.
pub async fn update_product(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<UpdateProductRequest>,
) -> Result<ConnectResponse<UpdateProductResponse>, ConnectError> {
    let command = Command::of(&call, catalog_service::UPDATE_PRODUCT, &request);
    let request = edge::valid(request)?.into_inner();
    let id = product_id(&request.id)?;
    let revision = Revision {
        name: request.name,
        description: request.description,
        category: request.category,
        image_url: request.image_url,
    };
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        products::update(work, id, &revision)
            .map_ok(Into::into)
            .boxed()
    });
    Ok(answer.await?.respond(&call))
}

impl From<Product> for UpdateProductResponse {
    fn from(product: Product) -> Self {
        Self {
            product: Some(product.into()),
        }
    }
}

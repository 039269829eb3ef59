//! DeleteProduct.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::catalog::v1::{DeleteProductRequest, DeleteProductResponse, catalog_service};

use crate::wire::product_id;
use crate::{App, products};
use command::Command;
use futures::{FutureExt, TryFutureExt};

/// Takes a product out of the catalog.
pub async fn delete_product(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<DeleteProductRequest>,
) -> Result<ConnectResponse<DeleteProductResponse>, ConnectError> {
    let command = Command::of(&call, catalog_service::DELETE_PRODUCT, &request);
    let id = product_id(&edge::valid(request)?.id)?;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        products::delete(work, id)
            .map_ok(|()| DeleteProductResponse::default())
            .boxed()
    });
    Ok(answer.await?.respond(&call))
}

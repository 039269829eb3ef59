//! ListProducts.

use axum::extract::State;
use proto::catalog::v1::{ListProductsRequest, ListProductsResponse};
use rpc::{ConnectError, ConnectRequest, ConnectResponse};

use crate::App;
use crate::listing::{self, Listing};

/// Lists products, or searches them.
pub async fn list_products(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<ListProductsRequest>,
) -> Result<ConnectResponse<ListProductsResponse>, ConnectError> {
    let request = rpc::valid(request)?.into_inner();
    let listing = Listing {
        query: request.query,
        category: request.category,
    };
    let page = listing::list(&app, &listing, request.page_size, &request.page_token).await?;
    Ok(ConnectResponse::new(ListProductsResponse {
        products: page.products.into_iter().map(Into::into).collect(),
        next_page_token: page.next_token,
        categories: page.categories,
    }))
}

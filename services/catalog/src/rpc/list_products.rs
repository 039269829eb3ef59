//! ListProducts.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::catalog::v1::{self as pb, ListProductsRequest, ListProductsResponse};

use crate::App;
use crate::domain::category::Category;
use crate::listing::{self, Listing};

/// Lists products, or searches them.
pub async fn list_products(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<ListProductsRequest>,
) -> Result<ConnectResponse<ListProductsResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    let listing = Listing {
        query: request.query,
        category: request.category,
    };
    let page = listing::list(&app, &listing, request.page_size, &request.page_token).await?;
    Ok(ConnectResponse::new(ListProductsResponse {
        products: page.products.into_iter().map(Into::into).collect(),
        next_page_token: page.next_token,
        categories: page.categories.iter().map(|it| it.name.clone()).collect(),
        shelves: page.categories.iter().map(pb::Category::from).collect(),
    }))
}

impl From<&Category> for pb::Category {
    fn from(category: &Category) -> Self {
        Self {
            name: category.name.clone(),
            image_url: category.image_url.clone(),
        }
    }
}

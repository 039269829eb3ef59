//! GetSearchPage.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::bff::web::v1::{GetSearchPageRequest, GetSearchPageResponse};
use proto::catalog::v1::ListProductsRequest;
use tonic::Code;

use super::card::cards;
use crate::App;
use crate::caller::{Credential, Visitor};
use crate::part::{Degraded, required};

/// A page of products that match, with prices, and the categories to narrow them by.
pub async fn get_search_page(
    State(app): State<App>,
    call: Call,
    credential: Credential,
    ConnectRequest(request): ConnectRequest<GetSearchPageRequest>,
) -> Result<ConnectResponse<GetSearchPageResponse>, ConnectError> {
    let GetSearchPageRequest {
        query,
        category,
        page_size,
        page_token,
    } = edge::valid(request)?.into_inner();
    let visitor = Visitor::new(&call, credential);
    let wanted = ListProductsRequest {
        query,
        category,
        page_size,
        page_token,
    };
    let found = required(
        app.upstreams
            .catalog
            .clone()
            .list_products(visitor.ask(wanted))
            .await,
        &[Code::InvalidArgument, Code::OutOfRange], // of the cursor
    )?;
    let degraded = Degraded::default();
    Ok(ConnectResponse::new(GetSearchPageResponse {
        products: cards(&app, &visitor, found.products, &degraded).await,
        categories: found.categories,
        next_page_token: found.next_page_token,
        degraded: degraded.into_inner(),
    }))
}

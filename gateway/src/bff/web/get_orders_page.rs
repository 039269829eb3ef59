//! GetOrdersPage.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::bff::web::v1::{GetOrdersPageRequest, GetOrdersPageResponse};
use proto::order::v1::ListOrdersRequest;
use tonic::Code;

use super::card::cards_of;
use crate::App;
use crate::caller::{Credential, Visitor};
use crate::part::{Degraded, required};

/// A page of the caller's own orders, newest first, whoever the caller is, with what they hold.
pub async fn get_orders_page(
    State(app): State<App>,
    call: Call,
    credential: Credential,
    ConnectRequest(request): ConnectRequest<GetOrdersPageRequest>,
) -> Result<ConnectResponse<GetOrdersPageResponse>, ConnectError> {
    let GetOrdersPageRequest {
        page_size,
        page_token,
        status,
    } = edge::valid(request)?.into_inner();
    let visitor = Visitor::new(&call, credential);
    let user_id = visitor
        .user_id()
        .map(|id| id.to_string())
        .unwrap_or_default();
    let wanted = ListOrdersRequest {
        user_id,
        page_size,
        page_token,
        status,
    };
    let found = required(
        app.upstreams
            .order
            .clone()
            .list_orders(visitor.ask(wanted))
            .await,
        &[Code::InvalidArgument, Code::OutOfRange], // of the cursor
    )?;
    let degraded = Degraded::default();
    let skus = found.orders.iter().flat_map(|order| &order.skus);
    Ok(ConnectResponse::new(GetOrdersPageResponse {
        products: cards_of(&app, &visitor, skus, &degraded).await,
        orders: found.orders,
        next_page_token: found.next_page_token,
        degraded: degraded.into_inner(),
    }))
}

//! `OrderService/GetOrder`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::order::v1::{GetOrderRequest, Order};

use crate::App;
use crate::history;
use crate::wire::order_id;

/// Reads one order.
pub async fn get_order(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetOrderRequest>,
) -> Result<ConnectResponse<Order>, ConnectError> {
    let id = order_id(&edge::valid(request)?.order_id)?;
    let order = history::order(&app, call.scope, id).await?;
    Ok(ConnectResponse::new((&order).into()))
}

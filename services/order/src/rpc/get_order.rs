//! `OrderService/GetOrder`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::order::v1::{GetOrderRequest, Order};

use super::order_id;
use crate::App;
use crate::error::Error;
use crate::store;

/// Reads one order.
pub async fn get_order(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetOrderRequest>,
) -> Result<ConnectResponse<Order>, ConnectError> {
    let id = order_id(&edge::valid(request)?.order_id)?;
    let order = store::order::find(app.db.read(), call.scope, id)
        .await
        .map_err(Error::Store)?;
    let order = order.ok_or(Error::OrderNotFound)?;
    Ok(ConnectResponse::new((&order).into()))
}

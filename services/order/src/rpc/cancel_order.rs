//! `OrderService/CancelOrder`

use ::rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};
use axum::extract::State;
use proto::order::v1::order_service::CANCEL_ORDER;
use proto::order::v1::{CancelOrderRequest, CancelOrderResponse};

use super::{key, mark_replayed, order_id};
use crate::App;
use crate::checkout::{self, Cancellation};

/// Ends an order: stock is released, money refunded.
pub async fn cancel_order(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CancelOrderRequest>,
) -> Result<ConnectResponse<CancelOrderResponse>, ConnectError> {
    let key = key(&call, CANCEL_ORDER, &request);
    let request = rpc::valid(request)?.into_inner();
    let cancellation = Cancellation {
        order_id: order_id(&request.order_id)?,
        note: request.reason,
        key,
    };
    let answered = checkout::cancel(&app, &call, &cancellation).await?;
    if answered.replayed {
        mark_replayed(&call);
    }
    Ok(ConnectResponse::new(answered.answer))
}

//! `OrderService/CancelOrder`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use command::Command;
use futures::{FutureExt, TryFutureExt};
use proto::order::v1::order_service::CANCEL_ORDER;
use proto::order::v1::{CancelOrderRequest, CancelOrderResponse};

use crate::App;
use crate::checkout::{self, Cancellation};
use crate::domain::order::Order;
use crate::wire::order_id;

/// Ends an order: stock is released, money refunded.
pub async fn cancel_order(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CancelOrderRequest>,
) -> Result<ConnectResponse<CancelOrderResponse>, ConnectError> {
    let command = Command::of(&call, CANCEL_ORDER, &request);
    let request = edge::valid(request)?.into_inner();
    let order_id = order_id(&request.order_id)?;
    let asked = Cancellation {
        order_id,
        note: request.reason,
        user: call.caller.user_id(),
        scope: call.scope,
    };
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        checkout::cancel(&app, work, &asked)
            .map_ok(Into::into)
            .boxed()
    });
    Ok(answer.await?.respond(&call))
}

impl From<Order> for CancelOrderResponse {
    fn from(order: Order) -> Self {
        Self {
            order: Some((&order).into()),
        }
    }
}

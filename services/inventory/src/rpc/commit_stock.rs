//! CommitStock.

use axum::extract::State;
use proto::inventory::v1::{CommitStockRequest, CommitStockResponse, inventory_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use crate::domain::reservation::{Demand, Reservation};
use crate::{App, reservations};
use command::Command;

/// Sells what an order holds.
pub async fn commit_stock(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CommitStockRequest>,
) -> Result<ConnectResponse<CommitStockResponse>, ConnectError> {
    let command = Command::of(&call, inventory_service::COMMIT_STOCK, &request);
    let order_id = super::order_id(&rpc::valid(request)?.order_id)?;
    let answer = reservations::carry_out(&app, &command, order_id, &Demand::Commit).await?;
    Ok(answer.respond(&call))
}

impl From<Reservation> for CommitStockResponse {
    fn from(reservation: Reservation) -> Self {
        Self {
            reservation: Some(reservation.into()),
        }
    }
}

//! CommitStock.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::inventory::v1::{CommitStockRequest, CommitStockResponse};

use crate::domain::reservation::{Demand, Reservation};
use crate::{App, reservations, wire};

/// Sells what an order holds.
pub async fn commit_stock(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CommitStockRequest>,
) -> Result<ConnectResponse<CommitStockResponse>, ConnectError> {
    let order_id = wire::order_id(&edge::valid(request)?.order_id)?;
    let reservation =
        reservations::carry_out(&app, &super::demander(&call), order_id, &Demand::Commit).await?;
    Ok(ConnectResponse::new(reservation.into()))
}

impl From<Reservation> for CommitStockResponse {
    fn from(reservation: Reservation) -> Self {
        Self {
            reservation: Some(reservation.into()),
        }
    }
}

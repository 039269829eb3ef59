//! ReleaseStock.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::inventory::v1::{ReleaseStockRequest, ReleaseStockResponse};

use crate::domain::reservation::{Demand, ReleaseReason, Reservation};
use crate::{App, reservations, wire};

/// Gives an order's pieces back, held or sold, and holds none for it later.
pub async fn release_stock(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ReleaseStockRequest>,
) -> Result<ConnectResponse<ReleaseStockResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let demand = Demand::Release(match request.reason.as_str() {
        "PAYMENT_FAILED" => ReleaseReason::PaymentFailed,
        "EXPIRED" => ReleaseReason::Expired,
        _ => ReleaseReason::Cancelled, // the contract knows these three
    });
    let order_id = wire::order_id(&request.order_id)?;
    let reservation =
        reservations::carry_out(&app, &super::demander(&call), order_id, &demand).await?;
    Ok(ConnectResponse::new(reservation.into()))
}

impl From<Reservation> for ReleaseStockResponse {
    fn from(reservation: Reservation) -> Self {
        Self {
            reservation: Some(reservation.into()),
        }
    }
}

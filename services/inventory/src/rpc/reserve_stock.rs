//! ReserveStock.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use chrono::TimeDelta;
use proto::inventory::v1::{ReserveStockRequest, ReserveStockResponse};

use crate::domain::reservation::{Demand, Reservation};
use crate::error::Error;
use crate::{App, reservations, wire};

/// Holds all items for an order, or none.
pub async fn reserve_stock(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ReserveStockRequest>,
) -> Result<ConnectResponse<ReserveStockResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let ttl = request
        .ttl
        .map(|ttl| TimeDelta::seconds(ttl.seconds) + TimeDelta::nanoseconds(ttl.nanos.into()));
    let demand = Demand::Reserve {
        items: wire::items(&request.items).map_err(Error::from)?,
        until: app.clock.now() + ttl.unwrap_or_else(|| app.config.hold()),
    };
    let order_id = wire::order_id(&request.order_id)?;
    let reservation =
        reservations::carry_out(&app, &super::demander(&call), order_id, &demand).await?;
    Ok(ConnectResponse::new(reservation.into()))
}

impl From<Reservation> for ReserveStockResponse {
    fn from(reservation: Reservation) -> Self {
        Self {
            reservation: Some(reservation.into()),
        }
    }
}

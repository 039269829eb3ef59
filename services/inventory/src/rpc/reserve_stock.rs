//! ReserveStock.

use axum::extract::State;
use chrono::TimeDelta;
use proto::inventory::v1::{ReserveStockRequest, ReserveStockResponse, inventory_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use crate::domain::reservation::{Demand, Reservation};
use crate::error::Error;
use crate::{App, reservations, wire};
use command::Command;

/// Holds all items for an order, or none.
pub async fn reserve_stock(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ReserveStockRequest>,
) -> Result<ConnectResponse<ReserveStockResponse>, ConnectError> {
    let command = Command::of(&call, inventory_service::RESERVE_STOCK, &request);
    let request = rpc::valid(request)?;
    let ttl = request
        .ttl
        .map(|ttl| TimeDelta::seconds(ttl.seconds) + TimeDelta::nanoseconds(ttl.nanos.into()));
    let demand = Demand::Reserve {
        items: wire::items(&request.items).map_err(Error::from)?,
        until: app.clock.now() + ttl.unwrap_or_else(|| app.config.hold()),
    };
    let order_id = super::order_id(&request.order_id)?;
    let answer = reservations::carry_out(&app, &command, order_id, &demand).await?;
    Ok(answer.respond(&call))
}

impl From<Reservation> for ReserveStockResponse {
    fn from(reservation: Reservation) -> Self {
        Self {
            reservation: Some(reservation.into()),
        }
    }
}

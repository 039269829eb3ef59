//! Domain types as messages, where more than one rpc or fact shows them.

use proto::inventory::v1 as pb;

use crate::domain::item::{Items, ItemsError, OrderId, Quantity, Sku};
use crate::domain::level::Level;
use crate::domain::reservation::{Reservation, Shortage, State};
use crate::error::Error;

/// The items of a valid request: repeats of a SKU are added up.
pub fn items(items: &[pb::StockItem]) -> Result<Items, ItemsError> {
    Items::collect(
        items
            .iter()
            .map(|item| (Sku::new(&item.sku), item.quantity)),
    )
}

/// Items as the contract lists them.
pub fn stock_items(items: &Items) -> Vec<pb::StockItem> {
    let item = |(sku, quantity): &(Sku, Quantity)| pb::StockItem {
        sku: sku.to_string(),
        quantity: quantity.pieces(),
    };
    items.iter().map(item).collect()
}

/// An item of which there are too few.
pub fn shortage(short: &Shortage) -> pb::ItemAvailability {
    pb::ItemAvailability {
        sku: short.sku.to_string(),
        requested: short.requested.pieces(),
        available_quantity: short.available,
        available: false,
    }
}

impl From<Reservation> for pb::Reservation {
    fn from(reservation: Reservation) -> Self {
        let state = match reservation.state {
            State::Held => pb::ReservationState::Held,
            State::Committed => pb::ReservationState::Committed,
            // A refused reservation is answered as an error; only a release shows one again.
            State::Released(_) | State::Short(_) | State::Lost(_) => pb::ReservationState::Released,
            State::Expired => pb::ReservationState::Expired,
        };
        Self {
            order_id: reservation.order_id.to_string(),
            state: state.into(),
            items: stock_items(&reservation.items),
            expires_at: reservation.expires_at.map(Into::into),
        }
    }
}

impl From<Level> for pb::StockLevel {
    fn from(level: Level) -> Self {
        Self {
            sku: level.sku.to_string(),
            available: level.counts.available,
            reserved: level.counts.reserved,
            committed: level.counts.committed,
            received: level.counts.received,
        }
    }
}

/// The order of a valid request: its id is a UUID by contract.
pub fn order_id(text: &str) -> Result<OrderId, Error> {
    let id = text
        .parse()
        .map_err(|_| Error::Field { field: "order_id" })?;
    Ok(OrderId(id))
}

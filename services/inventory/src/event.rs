//! The facts that inventory tells: from the domain to `stoa.event.v1`.

use command::fact;
use events::Fact;
use proto::event::v1 as pb;
use uuid::Uuid;

use crate::domain::level::Level;
use crate::domain::reservation::{ReleaseReason, Reservation, State};
use crate::wire;

/// Tells what became of a reservation. Each of its states is told by one kind of fact.
pub fn reservation(reservation: &Reservation, subject: Option<Uuid>) -> Fact {
    let order_id = reservation.order_id.to_string();
    let version = reservation.version;
    match &reservation.state {
        State::Held => {
            let items = wire::stock_items(&reservation.items);
            let expires_at = reservation.expires_at.map(Into::into);
            fact(
                &pb::InventoryReserved {
                    order_id,
                    items,
                    expires_at,
                },
                version,
                subject,
            )
        }
        State::Short(short) => {
            let short_items = short.iter().map(wire::shortage).collect();
            fact(
                &pb::InventoryReservationFailed {
                    order_id,
                    short_items,
                },
                version,
                subject,
            )
        }
        State::Committed => fact(&pb::InventoryCommitted { order_id }, version, subject),
        State::Lost(_) => fact(&pb::InventoryCommitFailed { order_id }, version, subject),
        State::Released(reason) => released(order_id, *reason, version, subject),
        State::Expired => released(order_id, ReleaseReason::Expired, version, subject),
    }
}

fn released(order_id: String, reason: ReleaseReason, version: i64, subject: Option<Uuid>) -> Fact {
    let reason = match reason {
        ReleaseReason::Cancelled => pb::ReleaseReason::Cancelled,
        ReleaseReason::Expired => pb::ReleaseReason::Expired,
        ReleaseReason::PaymentFailed => pb::ReleaseReason::PaymentFailed,
    };
    let reason = reason.into();
    fact(
        &pb::InventoryReleased { order_id, reason },
        version,
        subject,
    )
}

/// Tells how many pieces of a SKU can be had now.
pub fn stock_changed(level: &Level) -> Fact {
    let sku = level.sku.to_string();
    let available_quantity = level.counts.available;
    fact(
        &pb::StockChanged {
            sku,
            available_quantity,
        },
        level.version,
        None,
    )
}

//! The schema of the inventory service: stock levels, reservations and what changed the
//! stock by hand, beside the outbox and the idempotency records every service has.

mod m0001_stock;
mod m0002_outbox_lanes;

use crate::change::Change;

/// Every change of the inventory service's database, oldest first.
pub fn list() -> Vec<Change> {
    vec![
        Change::statements(m0001_stock::Migration, "m0001_stock"),
        Change::statements(m0002_outbox_lanes::Migration, "m0002_outbox_lanes"),
        Change::index(
            "m0003_outbox_in_lanes",
            "m0002_outbox_lanes",
            events::schema::outbox_in_lanes,
        ),
    ]
}

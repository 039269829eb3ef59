//! The schema of the order service: orders, their lines, their sagas and the timeline, beside
//! the outbox and the idempotency records every service has.

mod m0001_orders;
mod m0002_indexes;
mod m0003_outbox_lanes;

use crate::change::Change;

/// Every change of the order service's database, oldest first.
pub fn list() -> Vec<Change> {
    vec![
        Change::statements(m0001_orders::Migration, "m0001_orders"),
        Change::statements(m0002_indexes::Migration, "m0001_orders"),
        Change::statements(m0003_outbox_lanes::Migration, "m0003_outbox_lanes"),
        Change::index(
            "m0004_outbox_in_lanes",
            "m0003_outbox_lanes",
            events::schema::outbox_in_lanes,
        ),
        Change::index(
            "m0005_outbox_by_subject",
            "m0003_outbox_lanes",
            events::schema::outbox_by_subject,
        ),
    ]
}

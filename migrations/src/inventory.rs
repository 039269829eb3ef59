//! The schema of the inventory service: stock levels, reservations and what changed the
//! stock by hand, beside the outbox and the idempotency records every service has.

mod m0001_stock;

use crate::change::Change;
use crate::outbox_lanes;

/// Every change of the inventory service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![Change::statements(m0001_stock::Migration, "m0001_stock")];
    changes.extend(outbox_lanes::changes(
        "m0002_outbox_lanes",
        "m0003_outbox_in_lanes",
    ));
    changes
}

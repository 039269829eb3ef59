//! The schema of the catalog service: products and their search terms, beside
//! the outbox and the idempotency records every service has.

mod m0001_products;
mod m0004_display_prices;

use crate::change::Change;
use crate::outbox_lanes;

/// Every change of the catalog service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![Change::statements(
        m0001_products::Migration,
        "m0001_products",
    )];
    changes.extend(outbox_lanes::changes(
        "m0002_outbox_lanes",
        "m0003_outbox_in_lanes",
    ));
    changes.push(Change::statements(
        m0004_display_prices::Migration,
        "m0002_outbox_lanes",
    ));
    changes
}

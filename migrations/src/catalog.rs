//! The schema of the catalog service: products and their search terms, beside
//! the outbox and the idempotency records every service has.

mod m0001_products;
mod m0002_outbox_lanes;
mod m0004_display_prices;

use crate::change::Change;

/// Every change of the catalog service's database, oldest first.
pub fn list() -> Vec<Change> {
    vec![
        Change::statements(m0001_products::Migration, "m0001_products"),
        Change::statements(m0002_outbox_lanes::Migration, "m0002_outbox_lanes"),
        Change::index(
            "m0003_outbox_in_lanes",
            "m0002_outbox_lanes",
            events::schema::outbox_in_lanes,
        ),
        Change::statements(m0004_display_prices::Migration, "m0002_outbox_lanes"),
    ]
}

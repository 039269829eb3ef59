//! The schema of the pricing service: price lists and promotions, beside the
//! outbox and the idempotency records every service has.

mod m0001_prices;
mod m0004_untold_prices;

use crate::change::Change;
use crate::outbox_lanes;

/// Every change of the pricing service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![Change::statements(m0001_prices::Migration, "m0001_prices")];
    changes.extend(outbox_lanes::changes(
        "m0002_outbox_lanes",
        "m0003_outbox_in_lanes",
    ));
    changes.push(Change::statements(
        m0004_untold_prices::Migration,
        "m0002_outbox_lanes",
    ));
    changes
}

//! The schema of the recommendation service: what was bought, how often, with what and by whom, and
//! what it hears of others, beside the outbox and the idempotency records every service has.

mod m0001_suggestions;

use crate::change::Change;
use crate::{consumed, outbox_lanes};

/// Every change of the recommendation service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![Change::statements(
        m0001_suggestions::Migration,
        "m0001_suggestions",
    )];
    changes.extend(outbox_lanes::changes(
        "m0002_outbox_lanes",
        "m0003_outbox_in_lanes",
    ));
    changes.push(consumed::change("m0004_consumed", "m0004_consumed"));
    changes
}

//! The schema of the order service: orders, their lines, their sagas and the timeline, what it hears of
//! others, beside the outbox and the idempotency records every service has.

mod m0001_orders;
mod m0002_indexes;
mod m0006_steps_run_ahead;
mod m0008_customer_names;

use crate::change::Change;
use crate::{consumed, outbox_lanes};

/// Every change of the order service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![
        Change::statements(m0001_orders::Migration, "m0001_orders"),
        Change::statements(m0002_indexes::Migration, "m0001_orders"),
    ];
    changes.extend(outbox_lanes::changes(
        "m0003_outbox_lanes",
        "m0004_outbox_in_lanes",
    ));
    changes.push(Change::index(
        "m0005_outbox_by_subject",
        "m0003_outbox_lanes",
        events::schema::outbox_by_subject,
    ));
    changes.push(Change::statements(
        m0006_steps_run_ahead::Migration,
        "m0006_steps_run_ahead",
    ));
    changes.push(consumed::change("m0007_consumed", "m0006_steps_run_ahead"));
    changes.push(Change::statements(
        m0008_customer_names::Migration,
        "m0006_steps_run_ahead",
    ));
    changes
}

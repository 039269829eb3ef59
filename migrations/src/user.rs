//! The schema of the user service: accounts, credentials, sessions and signing
//! keys, beside the outbox and the idempotency records every service has.

mod m0001_users;
mod m0002_outbox_lanes;

use crate::change::Change;

/// Every change of the user service's database, oldest first.
pub fn list() -> Vec<Change> {
    vec![
        Change::statements(m0001_users::Migration, "m0001_users"),
        Change::statements(m0002_outbox_lanes::Migration, "m0002_outbox_lanes"),
        Change::index(
            "m0003_outbox_in_lanes",
            "m0002_outbox_lanes",
            events::schema::outbox_in_lanes,
        ),
    ]
}

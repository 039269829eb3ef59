//! The schema of the user service: accounts, credentials, sessions and signing
//! keys, beside the outbox and the idempotency records every service has.

mod m0001_users;

use crate::change::Change;
use crate::outbox_lanes;

/// Every change of the user service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![Change::statements(m0001_users::Migration, "m0001_users")];
    changes.extend(outbox_lanes::changes(
        "m0002_outbox_lanes",
        "m0003_outbox_in_lanes",
    ));
    changes
}

//! The schema of the user service: accounts, credentials, sessions, forgotten
//! passwords and signing keys, beside the outbox and the idempotency records
//! every service has.

mod m0001_users;
mod m0004_session_devices;
mod m0005_password_resets;

use crate::change::Change;
use crate::outbox_lanes;

/// Every change of the user service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![Change::statements(m0001_users::Migration, "m0001_users")];
    changes.extend(outbox_lanes::changes(
        "m0002_outbox_lanes",
        "m0003_outbox_in_lanes",
    ));
    changes.push(Change::statements(
        m0004_session_devices::Migration,
        "m0002_outbox_lanes",
    ));
    changes.push(Change::statements(
        m0005_password_resets::Migration,
        "m0002_outbox_lanes",
    ));
    changes
}

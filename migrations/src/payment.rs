//! The schema of the payment service: payments, the ledger, and the sandbox provider's own
//! memory, beside the outbox and the idempotency records every service has.

mod m0001_payments;

use crate::change::Change;
use crate::outbox_lanes;

/// Every change of the payment service's database, oldest first.
pub fn list() -> Vec<Change> {
    let mut changes = vec![Change::statements(
        m0001_payments::Migration,
        "m0001_payments",
    )];
    changes.extend(outbox_lanes::changes(
        "m0002_outbox_lanes",
        "m0003_outbox_in_lanes",
    ));
    changes
}

//! The schema of the payment service: payments, the ledger, and the sandbox provider's own
//! memory, beside the outbox and the idempotency records every service has.

mod m0001_payments;
mod m0002_outbox_lanes;

use sea_orm_migration::MigrationTrait;

/// Every change of the payment service's database, oldest first.
pub fn list() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_payments::Migration),
        Box::new(m0002_outbox_lanes::Migration),
    ]
}

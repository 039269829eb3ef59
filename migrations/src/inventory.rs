//! The schema of the inventory service: stock levels, reservations and what changed the
//! stock by hand, beside the outbox and the idempotency records every service has.

mod m0001_stock;
mod m0002_outbox_lanes;

use sea_orm_migration::MigrationTrait;

/// Every change of the inventory service's database, oldest first.
pub fn list() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_stock::Migration),
        Box::new(m0002_outbox_lanes::Migration),
    ]
}

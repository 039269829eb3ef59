//! The schema of the order service: orders, their lines, their sagas and the timeline, beside
//! the outbox and the idempotency records every service has.

mod m0001_orders;
mod m0002_indexes;
mod m0003_outbox_lanes;

use sea_orm_migration::MigrationTrait;

/// Every change of the order service's database, oldest first.
pub fn list() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_orders::Migration),
        Box::new(m0002_indexes::Migration),
        Box::new(m0003_outbox_lanes::Migration),
    ]
}

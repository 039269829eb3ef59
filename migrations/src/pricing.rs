//! The schema of the pricing service: price lists and promotions, beside the
//! outbox and the idempotency records every service has.

mod m0001_prices;
mod m0002_outbox_lanes;

use sea_orm_migration::MigrationTrait;

/// Every change of the pricing service's database, oldest first.
pub fn list() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_prices::Migration),
        Box::new(m0002_outbox_lanes::Migration),
    ]
}

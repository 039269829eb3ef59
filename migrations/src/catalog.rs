//! The schema of the catalog service: products and their search terms, beside
//! the outbox and the idempotency records every service has.

mod m0001_products;
mod m0002_outbox_lanes;

use sea_orm_migration::MigrationTrait;

/// Every change of the catalog service's database, oldest first.
pub fn list() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_products::Migration),
        Box::new(m0002_outbox_lanes::Migration),
    ]
}

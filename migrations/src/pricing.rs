//! The schema of the pricing service: price lists and promotions, beside the
//! outbox and the idempotency records every service has.

mod m0001_prices;

use sea_orm_migration::MigrationTrait;

/// Every change of the pricing service's database, oldest first.
pub fn list() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_prices::Migration)]
}

//! The schema of the user service: accounts, credentials, sessions and signing
//! keys, beside the outbox and the idempotency records every service has.

mod m0001_users;
mod m0002_outbox_lanes;

use sea_orm_migration::MigrationTrait;

/// Every change of the user service's database, oldest first.
pub fn list() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_users::Migration),
        Box::new(m0002_outbox_lanes::Migration),
    ]
}

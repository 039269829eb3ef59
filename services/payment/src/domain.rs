//! The rules of payments and of the books: no database, no wire, no provider, no clock.

pub mod id;
pub mod ledger;
pub mod payment;

//! Payment through its real router, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod app;
mod books;

mod access;
mod cost;
mod get_payment;
mod load;
mod overtaking;
mod plans;
mod process_payment;
mod refund_payment;

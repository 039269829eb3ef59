//! Payment through its real router, on SQLite and on PostgreSQL.

mod books;
mod harness;

mod access;
mod cost;
mod get_payment;
mod load;
mod overtaking;
mod plans;
mod process_payment;
mod refund_payment;

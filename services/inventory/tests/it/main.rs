//! Inventory through its real router, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod app;

mod access;
mod adjust_stock;
mod awaits;
mod check_availability;
mod check_stock;
mod commit_stock;
mod cost;
mod demo;
mod load;
mod plans;
mod release_stock;
mod reserve_stock;
mod sweep;

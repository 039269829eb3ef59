//! The pricing service at its rpcs: through the real edge, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod app;
mod awaits;
mod batch_get_prices;
mod demo;
mod get_price;
mod plans;
mod quote_items;
mod set_price;
mod set_promotion;

//! The pricing service at its rpcs: through the real edge, on SQLite and on PostgreSQL.

mod app;
mod batch_get_prices;
mod demo;
mod get_price;
mod plans;
mod quote_items;
mod set_price;
mod set_promotion;

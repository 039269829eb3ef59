//! The catalog service at its rpcs: through the real edge, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod app;
mod awaits;
mod batch_get_products;
mod create_product;
mod delete_product;
mod demo;
mod get_product;
mod list_products;
mod plans;
mod search;
mod set_display_price;
mod update_product;

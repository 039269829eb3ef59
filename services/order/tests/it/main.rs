//! Orders through their real router, on SQLite and on PostgreSQL, among scripted peers.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod shop;
mod world;

mod ahead;
mod awaits;
mod cancel_order;
mod crash;
mod create_order;
mod customer_names;
mod get_order;
mod get_order_details;
mod get_order_timeline;
mod hot_sku;
mod idempotency;
mod leases;
mod list_orders;
mod peers;
mod plans;
mod watch_order_status;
mod watch_order_updates;

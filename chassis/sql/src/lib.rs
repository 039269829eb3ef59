//! What a row or a transaction needs on both engines, SQLite and PostgreSQL.
//!
//! Owns connections and their settings, the one way to write ([`Database::begin_write`] inside
//! [`retrying`]), idempotency records and page tokens. It knows no table of any service, and
//! hands out no transaction that could lose a race: every write is IMMEDIATE on SQLite, and on
//! PostgreSQL SERIALIZABLE or, where each write says what it found, READ COMMITTED
//! ([`Database::begin_guarded`]).

mod batch;
mod connect;
mod connection;
mod database;
mod fault;
pub mod idempotency;
pub mod page;
mod pinned;
mod reader;
mod retry;
pub mod schema;
pub mod sweep;
mod transaction;
mod turns;

pub use connect::Config;
pub use database::{Database, Engine};
pub use fault::{Fault, fault, fault_within};
pub use reader::Reader;
pub use retry::{retrying, retrying_until};
pub use transaction::Transaction;

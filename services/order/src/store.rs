//! The tables of this service and every query on them; nothing outside this module names a column.

pub mod customer_name;
pub mod order;
pub mod order_line;
pub mod saga;
pub mod saga_log;

use sea_orm::DbErr;

/// A row that no version of this program has written.
fn broken(table: &'static str, what: &str) -> DbErr {
    DbErr::Type(format!("table {table} holds a row without a legal {what}"))
}

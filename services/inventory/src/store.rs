//! Inventory's tables. Nothing outside this folder names a column.

pub mod reservation;
pub mod stock_adjustment;
pub mod stock_level;

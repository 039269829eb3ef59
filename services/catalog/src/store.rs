//! The catalog's tables. Nothing outside this folder names a column.

pub mod display_price;
pub mod product;
pub mod term;

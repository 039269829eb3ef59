//! The catalog's tables. Nothing outside this folder names a column.

pub mod product;
pub mod term;

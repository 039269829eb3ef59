//! Pricing's tables. Nothing outside this folder names a column.

pub mod price;
pub mod promotion;
pub mod untold;

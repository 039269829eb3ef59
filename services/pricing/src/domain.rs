//! Pricing's rules: integers and checked sums only; no storage, no wire, no clock.

pub mod price;
pub mod promotion;
pub mod quote;
pub mod sku;

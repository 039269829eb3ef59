//! The catalog's rules: what a product is, and by which words it is found. No storage, no wire, no clock.

pub mod product;
pub mod search;

//! The catalog's rules: what a product is, where it stands, and by which words it is found. No storage, no wire, no clock.

pub mod category;
pub mod product;
pub mod search;

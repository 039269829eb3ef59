//! The rules of suggesting: what of an order counts, and what is suggested before what. No storage, no
//! wire, no clock.

pub mod basket;
pub mod id;
pub mod product;
pub mod ranking;

//! The rules of an order: no database, no wire, no clock.

pub mod draft;
pub mod id;
pub mod order;
pub mod payment_method;
pub mod summary;

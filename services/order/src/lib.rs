//! The order service.

pub mod domain;
pub mod saga;

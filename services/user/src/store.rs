//! The only place with SQL: entities and scoped queries, which return domain types.

pub mod credential;
pub mod password_reset;
pub mod session;
pub mod signing_key;
pub mod user;

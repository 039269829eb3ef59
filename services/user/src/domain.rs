//! The rules of accounts, sessions and keys: no database, no wire, no clock, no async.

pub mod email;
pub mod id;
pub mod line;
pub mod password;
pub mod session;
pub mod signing_key;
pub mod user;

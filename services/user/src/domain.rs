//! The rules of accounts, sessions and keys: no database, no wire, no clock, no async.

pub mod device;
pub mod email;
pub mod id;
pub mod line;
pub mod password;
pub mod password_reset;
pub mod session;
pub mod signing_key;
pub mod user;

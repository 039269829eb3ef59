//! Payment.
mod domain;

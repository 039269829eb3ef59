//! Stories across services: the very binary that users run, started, asked,
//! killed and audited.

mod access_log;
mod commands;
mod crash;
mod fleet;
mod foreign;
mod health;
mod purchase;
mod shop;
mod structure;

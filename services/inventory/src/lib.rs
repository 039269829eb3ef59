//! Inventory.
mod domain;

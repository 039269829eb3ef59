//! The rules of stock and reservations: no database, no wire, no clock.

pub mod item;
pub mod level;
pub mod reservation;

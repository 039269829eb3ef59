//! The tables of what was bought. Nothing outside this folder names a column.

pub mod departure;
pub mod offer;
pub mod pair;
pub mod purchase;

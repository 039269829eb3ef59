//! Payment's tables. Nothing outside this folder names a column.

pub mod ledger;
pub mod payment;
pub mod sandbox_charge;

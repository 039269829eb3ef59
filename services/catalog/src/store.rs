//! The catalog's tables. Nothing outside this folder names a column.

pub mod display_price;
pub mod product;
pub mod term;

use money::Amount;
use sea_orm::DbErr;

/// A price as two columns have it.
fn amount(currency_code: &str, minor_units: i64) -> Result<Amount, DbErr> {
    Amount::parse(currency_code, minor_units)
        .ok_or_else(|| DbErr::Type(format!("{minor_units} {currency_code} is no amount")))
}

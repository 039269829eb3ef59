//! The lines of an entry: debits positive, credits negative.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait;
use sea_orm::entity::prelude::*;
use sql::Transaction;

use crate::domain::ledger::Posting;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    transaction_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    line: i32,
    account: String,
    currency_code: String,
    minor_units: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds the lines of one entry.
pub async fn insert(txn: &Transaction, entry: Uuid, lines: &[Posting]) -> Result<(), DbErr> {
    let rows = (1..).zip(lines).map(|(number, line)| ActiveModel {
        transaction_id: Set(entry),
        line: Set(number),
        account: Set(line.account.as_str().to_owned()),
        currency_code: Set(line.currency.to_string()),
        minor_units: Set(line.minor_units),
    });
    txn.defer(Entity::insert_many(rows).as_query()).await
}

//! The books. Entries are only added; the schema takes one capture and one refund per order.

mod line;

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait;
use sea_orm::entity::prelude::*;
use sql::Transaction;

use crate::domain::ledger::Entry;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_transactions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    order_id: Uuid,
    kind: String,
    at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds an entry to the books.
///
/// # Errors
/// A write that was deferred before failed. That the order has one of that kind is an error of
/// the commit, [`sql::Fault::Unique`].
pub async fn insert(
    txn: &Transaction,
    id: Uuid,
    entry: &Entry,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(id),
        order_id: Set(entry.order_id.0),
        kind: Set(entry.kind.as_str().to_owned()),
        at: Set(now),
    };
    txn.defer(Entity::insert(row).as_query()).await?;
    line::insert(txn, id, entry.lines()).await
}

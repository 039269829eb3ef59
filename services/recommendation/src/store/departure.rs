//! Table `departures`: who deleted the account, for as long as an order of his may still be heard of.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QuerySelect, QueryTrait, Set};
use sql::{Transaction, sweep};

use crate::domain::id::CustomerId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "departures")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    customer_id: Uuid,
    at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps that somebody left.
///
/// # Errors
/// The database failed.
pub async fn keep(txn: &Transaction, customer: CustomerId, at: DateTime<Utc>) -> Result<(), DbErr> {
    let row = ActiveModel {
        customer_id: Set(customer.0),
        at: Set(at),
    };
    let first = OnConflict::column(Column::CustomerId)
        .do_nothing()
        .to_owned();
    let insert = Entity::insert(row).on_conflict(first);
    txn.defer(insert.as_query()).await
}

/// Whether that person left.
///
/// # Errors
/// The database failed.
pub async fn has_left(db: &impl ConnectionTrait, customer: CustomerId) -> Result<bool, DbErr> {
    let row = Entity::find_by_id(customer.0).one(db).await?;
    Ok(row.is_some())
}

/// Forgets some of those who left before that time; how many.
///
/// # Errors
/// The database failed.
pub async fn prune(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
    let over: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::CustomerId)
        .filter(Column::At.lt(before))
        .limit(sweep::BATCH)
        .into_tuple()
        .all(db)
        .await?;
    if over.is_empty() {
        return Ok(0);
    }
    let deleted = Entity::delete_many()
        .filter(Column::CustomerId.is_in(over))
        .filter(Column::At.lt(before))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

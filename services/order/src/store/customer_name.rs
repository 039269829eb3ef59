//! Table `customer_names`: what those who buy are called, as the user service told last.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ExprTrait, QuerySelect, QueryTrait, Set};
use sql::Transaction;

use crate::domain::id::CustomerId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_names")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    customer_id: Uuid,
    name: String,
    version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps the name as of a version of the account, unless a later one is known.
///
/// # Errors
/// The database failed.
pub async fn keep(
    txn: &Transaction,
    id: CustomerId,
    name: String,
    version: i64,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        customer_id: Set(id.0),
        name: Set(name),
        version: Set(version),
    };
    let newer = OnConflict::column(Column::CustomerId)
        .update_columns([Column::Name, Column::Version])
        .action_and_where(Expr::col((Entity, Column::Version)).lt(version))
        .to_owned();
    let insert = Entity::insert(row).on_conflict(newer);
    txn.defer(insert.as_query()).await
}

/// What that person is called; empty where nobody told, or the account is gone.
///
/// # Errors
/// The database failed.
pub async fn of(db: &impl ConnectionTrait, id: CustomerId) -> Result<String, DbErr> {
    let name: Option<String> = Entity::find_by_id(id.0)
        .select_only()
        .column(Column::Name)
        .into_tuple()
        .one(db)
        .await?;
    Ok(name.unwrap_or_default())
}

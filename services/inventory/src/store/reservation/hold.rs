//! The reservations that hold stock now: a row for each, for as long as it does.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait};
use sql::Transaction;

use crate::domain::item::OrderId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "holds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    order_id: Uuid,
    expires_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Notes that an order holds stock until then, from now on or still.
pub async fn upsert(
    txn: &Transaction,
    order_id: OrderId,
    expires_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        order_id: Set(order_id.0),
        expires_at: Set(expires_at),
    };
    let renew = OnConflict::column(Column::OrderId)
        .update_column(Column::ExpiresAt)
        .to_owned();
    let insert = Entity::insert(row).on_conflict(renew);
    txn.defer(insert.as_query()).await
}

/// Notes that an order holds nothing any more.
pub async fn delete(txn: &Transaction, order_id: OrderId) -> Result<(), DbErr> {
    let delete = Entity::delete_many().filter(Column::OrderId.eq(order_id.0));
    txn.defer(delete.as_query()).await
}

/// The orders whose hold is over but not yet given back, the longest overdue first.
pub async fn overdue(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<OrderId>, DbErr> {
    let ids = Entity::find()
        .select_only()
        .column(Column::OrderId)
        .filter(Column::ExpiresAt.lte(now))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit)
        .into_tuple::<Uuid>()
        .all(db)
        .await?;
    Ok(ids.into_iter().map(OrderId).collect())
}

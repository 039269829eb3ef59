//! Table `purchases`: the things that each person bought last.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, OnConflict};
use sea_orm::{ExprTrait, QueryOrder, QuerySelect, QueryTrait, Set};
use sql::Transaction;

use crate::domain::basket;
use crate::domain::id::CustomerId;
use crate::domain::product::Sku;

/// Things that are known of a person, the last ones.
const LAST_MAX: u64 = 100;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purchases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    customer_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    last_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps that the person bought these at that time, if not later.
///
/// # Errors
/// The database failed.
pub async fn keep(
    txn: &Transaction,
    customer: CustomerId,
    skus: &BTreeSet<Sku>,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let rows = skus.iter().map(|sku| ActiveModel {
        customer_id: Set(customer.0),
        sku: Set(sku.as_str().to_owned()),
        last_at: Set(at),
    });
    let known = || Expr::col((Entity, Column::LastAt));
    let latest = CaseStatement::new()
        .case(known().lt(at), at)
        .finally(known());
    let again = OnConflict::columns([Column::CustomerId, Column::Sku])
        .value(Column::LastAt, latest)
        .to_owned();
    let insert = Entity::insert_many(rows).on_conflict(again);
    txn.defer(insert.as_query()).await
}

/// Forgets what is more than is kept of a person, behind an order that was just kept.
///
/// # Errors
/// The database failed.
pub async fn trim(txn: &Transaction, customer: CustomerId) -> Result<(), DbErr> {
    let more = newest_first(customer)
        .offset(LAST_MAX)
        .limit(basket::SKUS_MAX as u64); // no order adds more
    let trim = Entity::delete_many()
        .filter(Column::CustomerId.eq(customer.0))
        .filter(Column::Sku.in_subquery(more.into_query()));
    trim.exec(txn).await.map(drop)
}

/// What the person bought last, the newest first.
///
/// # Errors
/// The database failed.
pub async fn last(db: &impl ConnectionTrait, customer: CustomerId) -> Result<Vec<Sku>, DbErr> {
    let skus = newest_first(customer).limit(LAST_MAX).into_tuple();
    let skus: Vec<String> = skus.all(db).await?;
    Ok(skus.into_iter().map(Sku::new).collect())
}

/// Forgets all of a person.
///
/// # Errors
/// The database failed.
pub async fn erase(txn: &Transaction, customer: CustomerId) -> Result<(), DbErr> {
    let all = Entity::delete_many().filter(Column::CustomerId.eq(customer.0));
    txn.defer(all.as_query()).await
}

fn newest_first(customer: CustomerId) -> Select<Entity> {
    Entity::find()
        .select_only()
        .column(Column::Sku)
        .filter(Column::CustomerId.eq(customer.0))
        .order_by_desc(Column::LastAt)
        .order_by_asc(Column::Sku)
}

//! The books of each SKU. Every write says what it found, so that a level can never be read in
//! one state and written in another.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ExprTrait, QueryTrait};
use sql::Transaction;

use crate::domain::item::{Quantity, Sku};
use crate::domain::level::{Counts, Level, Transfer};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_levels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    available: i64,
    reserved: i64,
    committed: i64,
    received: i64,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Level {
    fn from(row: Model) -> Self {
        Self {
            sku: Sku::new(row.sku),
            counts: Counts {
                available: row.available,
                reserved: row.reserved,
                committed: row.committed,
                received: row.received,
            },
            version: row.version,
        }
    }
}

/// The level of a SKU, if it was ever stocked.
pub async fn find(db: &impl ConnectionTrait, sku: &Sku) -> Result<Option<Level>, DbErr> {
    let row = Entity::find_by_id(sku.as_str()).one(db).await?;
    Ok(row.map(Level::from))
}

/// The levels of those SKUs that were ever stocked, in one statement.
pub async fn find_many(
    db: &impl ConnectionTrait,
    skus: &[Sku],
) -> Result<BTreeMap<Sku, Level>, DbErr> {
    let names = skus.iter().map(Sku::as_str);
    let rows = Entity::find()
        .filter(Column::Sku.is_in(names))
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(Level::from)
        .map(|level| (level.sku.clone(), level))
        .collect())
}

/// Moves pieces between the parts of a level with the commit, which fails with
/// [`DbErr::RecordNotUpdated`] if they are not there, or if buyers can see the move and the level is
/// not the one before `after` any more.
pub async fn transfer(
    txn: &Transaction,
    transfer: Transfer,
    (sku, quantity): (&Sku, Quantity),
    after: Option<&Level>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let (from, to) = match transfer {
        Transfer::Hold => (Column::Available, Column::Reserved),
        Transfer::Sell => (Column::Available, Column::Committed),
        Transfer::Commit => (Column::Reserved, Column::Committed),
        Transfer::Unhold => (Column::Reserved, Column::Available),
        Transfer::Restock => (Column::Committed, Column::Available),
    };
    let pieces = i64::from(quantity);
    let mut update = Entity::update_many()
        .col_expr(from, Expr::col(from).sub(pieces))
        .col_expr(to, Expr::col(to).add(pieces))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Sku.eq(sku.as_str()))
        .filter(from.gte(pieces));
    if let Some(after) = after {
        update = update
            .col_expr(Column::Version, Expr::value(after.version))
            .filter(Column::Version.eq(after.version - 1));
    }
    txn.defer_required(update.as_query()).await
}

/// Adds pieces that came in to a SKU, stocked before or not, or takes some away; none if
/// fewer are available than would go.
pub async fn adjust(
    txn: &impl ConnectionTrait,
    sku: &Sku,
    delta: i64,
    now: DateTime<Utc>,
) -> Result<Option<Level>, DbErr> {
    if delta >= 0 {
        insert_empty(txn, sku, now).await?;
    }
    let rows = Entity::update_many()
        .col_expr(Column::Available, Expr::col(Column::Available).add(delta))
        .col_expr(Column::Received, Expr::col(Column::Received).add(delta))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Sku.eq(sku.as_str()))
        .filter(Column::Available.gte(delta.saturating_neg()))
        .exec_with_returning(txn)
        .await?;
    Ok(rows.into_iter().next().map(Level::from))
}

async fn insert_empty(
    txn: &impl ConnectionTrait,
    sku: &Sku,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    insert_new(txn, &[(sku.clone(), 0)], now).await.map(drop)
}

/// Stocks those SKUs that never were, in one statement; the others stay as they are. Returns
/// the levels that are new.
pub async fn insert_new(
    txn: &impl ConnectionTrait,
    stock: &[(Sku, i64)],
    now: DateTime<Utc>,
) -> Result<Vec<Level>, DbErr> {
    let rows = stock.iter().map(|(sku, received)| ActiveModel {
        sku: Set(sku.as_str().to_owned()),
        available: Set(*received),
        reserved: Set(0),
        committed: Set(0),
        received: Set(*received),
        // A level without pieces has nothing to tell yet.
        version: Set(i64::from(*received > 0)),
        updated_at: Set(now),
    });
    let rows = Entity::insert_many(rows)
        .on_conflict(OnConflict::column(Column::Sku).do_nothing().to_owned())
        .exec_with_returning(txn)
        .await?;
    Ok(rows.into_iter().map(Level::from).collect())
}

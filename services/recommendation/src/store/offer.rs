//! Table `offers`: every SKU that was told of, by the catalog or by an order: which product has it,
//! whether it is sold, and in how many orders it was.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ExprTrait, QueryOrder, QuerySelect, QueryTrait, Set};
use sql::Transaction;

use crate::domain::id::ProductId;
use crate::domain::product::{Offer, Sku};
use crate::domain::ranking::Candidate;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "offers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    orders: i64,
    is_sold: bool,
    product_id: Option<Uuid>,
    version: i64,
    listed_at: Option<DateTime<Utc>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Counts an order in which these SKUs were. One that the catalog has not told of yet is sold, or nobody
/// could have bought it.
///
/// # Errors
/// The database failed.
pub async fn count(txn: &Transaction, skus: &BTreeSet<Sku>) -> Result<(), DbErr> {
    let rows = skus.iter().map(|sku| ActiveModel {
        sku: Set(sku.as_str().to_owned()),
        orders: Set(1),
        is_sold: Set(true),
        product_id: Set(None),
        version: Set(0),
        listed_at: Set(None),
    });
    let more = OnConflict::column(Column::Sku)
        .value(Column::Orders, Expr::col((Entity, Column::Orders)).add(1))
        .to_owned();
    let insert = Entity::insert_many(rows).on_conflict(more);
    txn.defer(insert.as_query()).await
}

/// Keeps what the catalog told of a SKU, unless it told something later before.
///
/// # Errors
/// The database failed.
pub async fn list(txn: &Transaction, offer: &Offer) -> Result<(), DbErr> {
    let id = offer.product_id.0;
    let row = ActiveModel {
        sku: Set(offer.sku.as_str().to_owned()),
        orders: Set(0),
        is_sold: Set(offer.is_sold),
        product_id: Set(Some(id)),
        version: Set(offer.version),
        listed_at: Set(Some(offer.listed_at)),
    };
    let known = |column| Expr::col((Entity, column));
    let same = known(Column::ProductId).eq(id);
    let other = known(Column::ProductId).ne(id);
    let is_news = known(Column::ProductId)
        .is_null()
        .or(same.and(known(Column::Version).lt(offer.version)))
        .or(other.and(known(Column::ListedAt).lte(offer.listed_at)));
    let news = OnConflict::column(Column::Sku)
        .update_columns([
            Column::IsSold,
            Column::ProductId,
            Column::Version,
            Column::ListedAt,
        ])
        .action_and_where(is_news)
        .to_owned();
    let insert = Entity::insert(row).on_conflict(news);
    txn.defer(insert.as_query()).await
}

/// What is sold and was in most orders, at least in one.
///
/// # Errors
/// The database failed.
pub async fn best(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Candidate>, DbErr> {
    let rows: Vec<(String, Option<Uuid>, i64)> = Entity::find()
        .select_only()
        .columns([Column::Sku, Column::ProductId, Column::Orders])
        .filter(Column::IsSold.eq(true))
        .filter(Column::Orders.gt(0))
        .order_by_desc(Column::Orders)
        .order_by_asc(Column::Sku)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(candidate).collect())
}

/// A row of what may be suggested.
pub(super) fn candidate((sku, product_id, orders): (String, Option<Uuid>, i64)) -> Candidate {
    Candidate {
        sku: Sku::new(sku),
        product_id: product_id.map(ProductId),
        orders,
    }
}

//! Table `pairs`: in how many orders two SKUs were together, once from each side.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{
    Asterisk, CaseStatement, OnConflict, Order, Query, SelectStatement, UnionType,
};
use sea_orm::{ExprTrait, QuerySelect, QueryTrait, Set};
use sql::{Transaction, sweep};

use super::offer;
use crate::domain::basket;
use crate::domain::product::Sku;
use crate::domain::ranking::Candidate;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pairs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    #[sea_orm(primary_key, auto_increment = false)]
    other: String,
    orders: i64,
    last_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Counts an order in which these SKUs were together.
///
/// # Errors
/// The database failed.
pub async fn count(
    txn: &Transaction,
    skus: &BTreeSet<Sku>,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    if skus.len() < 2 {
        return Ok(());
    }
    let rows = basket::pairs(skus).map(|(sku, other)| ActiveModel {
        sku: Set(sku.as_str().to_owned()),
        other: Set(other.as_str().to_owned()),
        orders: Set(1),
        last_at: Set(at),
    });
    let known = |column| Expr::col((Entity, column));
    let latest = CaseStatement::new()
        .case(known(Column::LastAt).lt(at), at)
        .finally(known(Column::LastAt));
    let more = OnConflict::columns([Column::Sku, Column::Other])
        .value(Column::Orders, known(Column::Orders).add(1))
        .value(Column::LastAt, latest)
        .to_owned();
    let insert = Entity::insert_many(rows).on_conflict(more);
    txn.defer(insert.as_query()).await
}

#[derive(Clone, Copy, DeriveIden)]
enum Name {
    /// What was together with one SKU.
    Some,
    /// With any of them.
    Found,
}

/// What was together with each of the SKUs most often, at most so many each, as far as it is sold. The
/// caller bounds the SKUs.
///
/// # Errors
/// The database failed.
pub async fn partners<'a>(
    db: &impl ConnectionTrait,
    skus: impl Iterator<Item = &'a Sku>,
    each_max: u64,
) -> Result<Vec<Candidate>, DbErr> {
    let mut each = skus.map(|sku| strongest(sku, each_max));
    let Some(mut found) = each.next() else {
        return Ok(Vec::new());
    };
    found.unions(each.map(|more| (UnionType::All, more)));
    let other = (Name::Found, Column::Other);
    let mut sold = Query::select();
    sold.column(other)
        .column((offer::Entity, offer::Column::ProductId))
        .column((Name::Found, Column::Orders))
        .from_subquery(found, Name::Found)
        .inner_join(
            offer::Entity,
            Expr::col((offer::Entity, offer::Column::Sku)).equals(other),
        )
        .and_where(Expr::col((offer::Entity, offer::Column::IsSold)).eq(true));
    let rows = db.query_all(&sold).await?;
    let candidates = rows.iter().map(|row| {
        let read = (
            row.try_get("", "other")?,
            row.try_get("", "product_id")?,
            row.try_get("", "orders")?,
        );
        Ok(offer::candidate(read))
    });
    candidates.collect()
}

/// The strongest of one SKU: a query of its own, so that its limit is too.
fn strongest(sku: &Sku, max: u64) -> SelectStatement {
    let ranked = Query::select()
        .columns([Column::Other, Column::Orders])
        .from(Entity)
        .and_where(Expr::col(Column::Sku).eq(sku.as_str()))
        .order_by(Column::Orders, Order::Desc)
        .order_by(Column::Other, Order::Asc)
        .limit(max)
        .to_owned();
    Query::select()
        .column(Asterisk)
        .from_subquery(ranked, Name::Some)
        .to_owned()
}

/// Forgets some of the pairs that were last bought before that time; how many.
///
/// # Errors
/// The database failed.
pub async fn prune(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
    let over: Vec<(String, String)> = Entity::find()
        .select_only()
        .columns([Column::Sku, Column::Other])
        .filter(Column::LastAt.lt(before))
        .limit(sweep::BATCH)
        .into_tuple()
        .all(db)
        .await?;
    if over.is_empty() {
        return Ok(0);
    }
    let both = Expr::tuple([Expr::col(Column::Sku), Expr::col(Column::Other)]);
    let deleted = Entity::delete_many()
        .filter(both.in_tuples(over))
        .filter(Column::LastAt.lt(before)) // unless it was bought again
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

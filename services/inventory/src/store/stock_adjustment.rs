//! Who changed the stock by hand, when, by how much and why. Rows are only added.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;

use crate::domain::item::Sku;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_adjustments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    sku: String,
    delta: i64,
    reason: String,
    subject: String,
    at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A change of the stock by hand.
#[derive(Clone, Debug)]
pub struct Adjustment {
    /// Names it.
    pub id: Uuid,
    /// What was counted.
    pub sku: Sku,
    /// How many pieces came in, or, negative, went out.
    pub delta: i64,
    /// A note for the books.
    pub reason: String,
    /// Who did it.
    pub subject: String,
}

/// Notes a change.
pub async fn insert(
    txn: &impl ConnectionTrait,
    adjustment: Adjustment,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(adjustment.id),
        sku: Set(adjustment.sku.as_str().to_owned()),
        delta: Set(adjustment.delta),
        reason: Set(adjustment.reason),
        subject: Set(adjustment.subject),
        at: Set(now),
    };
    Entity::insert(row)
        .exec_without_returning(txn)
        .await
        .map(drop)
}

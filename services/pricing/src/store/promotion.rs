//! Table `promotions`: one row per promotion; the empty SKU stands for everything.

use chrono::{DateTime, Utc};
use money::Percent;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Cond, OnConflict};
use sea_orm::{PaginatorTrait, QuerySelect, Set};

use crate::domain::promotion::{Promotion, PromotionTarget, Window};
use crate::domain::sku::Sku;

const EVERYTHING: &str = "";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "promotions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    sku: String,
    percent: i32,
    min_quantity: i32,
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Promotion {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let broken = |what: &str| DbErr::Type(format!("promotion {}: {what}", row.id));
        Ok(Self {
            id: row.id,
            percent: Percent::new(row.percent).ok_or_else(|| broken("percent"))?,
            min_quantity: row
                .min_quantity
                .try_into()
                .map_err(|_| broken("min_quantity"))?,
            window: Window::new(row.starts_at, row.ends_at).map_err(|_| broken("window"))?,
            target: match row.sku.as_str() {
                EVERYTHING => PromotionTarget::Everything,
                _ => PromotionTarget::Sku(Sku::new(row.sku)),
            },
        })
    }
}

/// The promotions that run at `now` for any of the SKUs or for everything, at most `limit`.
pub async fn running(
    db: &impl ConnectionTrait,
    skus: impl IntoIterator<Item = &Sku>,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Promotion>, DbErr> {
    let targets = skus.into_iter().map(Sku::as_str).chain([EVERYTHING]);
    let rows = Entity::find()
        .filter(Column::Sku.is_in(targets))
        .filter(not_over(now))
        .filter(Column::StartsAt.lte(now))
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(Promotion::try_from).collect()
}

/// How many other promotions have the same target and are not over at `now`.
pub async fn count_others(
    db: &impl ConnectionTrait,
    promotion: &Promotion,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::Sku.eq(sku(&promotion.target)))
        .filter(not_over(now))
        .filter(Column::Id.ne(promotion.id))
        .count(db)
        .await
}

/// Writes a promotion, over the one that was there.
pub async fn save(db: &impl ConnectionTrait, promotion: &Promotion) -> Result<(), DbErr> {
    let min_quantity = i32::try_from(promotion.min_quantity);
    let row = ActiveModel {
        id: Set(promotion.id),
        sku: Set(sku(&promotion.target).to_owned()),
        percent: Set(promotion.percent.get()),
        min_quantity: Set(min_quantity.map_err(|_| DbErr::Type("min_quantity".to_owned()))?),
        starts_at: Set(promotion.window.starts_at()),
        ends_at: Set(promotion.window.ends_at()),
    };
    let replace = OnConflict::column(Column::Id)
        .update_columns([
            Column::Sku,
            Column::Percent,
            Column::MinQuantity,
            Column::StartsAt,
            Column::EndsAt,
        ])
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(db)
        .await
        .map(drop)
}

fn sku(target: &PromotionTarget) -> &str {
    match target {
        PromotionTarget::Everything => EVERYTHING,
        PromotionTarget::Sku(sku) => sku.as_str(),
    }
}

fn not_over(now: DateTime<Utc>) -> Cond {
    Cond::any()
        .add(Column::EndsAt.is_null())
        .add(Column::EndsAt.gt(now))
}

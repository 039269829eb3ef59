//! Table `prices`: one row per SKU and currency.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use money::{Amount, Currency};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QuerySelect, Set};

use crate::domain::price::Price;
use crate::domain::sku::Sku;

/// Rows of one insert; a statement may bind no more than 32,766 values on SQLite.
const INSERT_BATCH: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "prices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    #[sea_orm(primary_key, auto_increment = false)]
    currency_code: String,
    minor_units: i64,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Price {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let amount = Amount::parse(&row.currency_code, row.minor_units);
        Ok(Self {
            amount: amount.ok_or_else(|| DbErr::Type(format!("the price of {}", row.sku)))?,
            sku: Sku::new(row.sku),
            version: row.version,
            updated_at: row.updated_at,
        })
    }
}

/// The price of a SKU in a currency.
pub async fn find(
    db: &impl ConnectionTrait,
    sku: &Sku,
    currency: Currency,
) -> Result<Option<Price>, DbErr> {
    let key = (sku.as_str().to_owned(), currency.to_string());
    Entity::find_by_id(key)
        .one(db)
        .await?
        .map(Price::try_from)
        .transpose()
}

/// The prices of those of the SKUs that have one in the currency. The caller bounds `skus`.
pub async fn find_many(
    db: &impl ConnectionTrait,
    skus: impl IntoIterator<Item = &Sku>,
    currency: Currency,
) -> Result<Vec<Price>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Sku.is_in(skus.into_iter().map(Sku::as_str)))
        .filter(Column::CurrencyCode.eq(currency.as_str()))
        .all(db)
        .await?;
    rows.into_iter().map(Price::try_from).collect()
}

/// The version of the latest change of a SKU's prices over all its currencies; 0 before the first.
pub async fn version(db: &impl ConnectionTrait, sku: &Sku) -> Result<i64, DbErr> {
    let version: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Column::Version.max(), "version")
        .filter(Column::Sku.eq(sku.as_str()))
        .into_tuple()
        .one(db)
        .await?;
    Ok(version.flatten().unwrap_or(0))
}

/// Which of the SKUs have a price in any currency. The caller bounds them.
pub async fn priced(
    db: &impl ConnectionTrait,
    skus: impl IntoIterator<Item = &str>,
) -> Result<BTreeSet<Sku>, DbErr> {
    let priced: Vec<String> = Entity::find()
        .select_only()
        .distinct()
        .column(Column::Sku)
        .filter(Column::Sku.is_in(skus))
        .into_tuple()
        .all(db)
        .await?;
    Ok(priced.into_iter().map(Sku::new).collect())
}

/// Stores first prices, several a statement.
pub async fn insert_many(db: &impl ConnectionTrait, prices: &[Price]) -> Result<(), DbErr> {
    for batch in prices.chunks(INSERT_BATCH) {
        Entity::insert_many(batch.iter().map(row))
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// Writes a price, over the one that was there.
pub async fn save(db: &impl ConnectionTrait, price: &Price) -> Result<(), DbErr> {
    let replace = OnConflict::columns([Column::Sku, Column::CurrencyCode])
        .update_columns([Column::MinorUnits, Column::Version, Column::UpdatedAt])
        .to_owned();
    Entity::insert(row(price))
        .on_conflict(replace)
        .exec_without_returning(db)
        .await
        .map(drop)
}

fn row(price: &Price) -> ActiveModel {
    ActiveModel {
        sku: Set(price.sku.as_str().to_owned()),
        currency_code: Set(price.amount.currency().to_string()),
        minor_units: Set(price.amount.minor_units()),
        version: Set(price.version),
        updated_at: Set(price.updated_at),
    }
}

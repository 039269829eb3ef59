//! Table `display_prices`: the price of each SKU as it was told, whether a product has it or not.

use money::Amount;
use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::domain::product::Sku;
use crate::store::amount;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "display_prices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    currency_code: String,
    minor_units: i64,
    version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The price of a SKU and its version, if it was ever told.
pub async fn find(db: &impl ConnectionTrait, sku: &Sku) -> Result<Option<(Amount, i64)>, DbErr> {
    let row = Entity::find_by_id(sku.as_str()).one(db).await?;
    let price = |row: Model| Ok((amount(&row.currency_code, row.minor_units)?, row.version));
    row.map(price).transpose()
}

/// Keeps the price of a SKU, in place of an earlier one.
pub async fn save(
    db: &impl ConnectionTrait,
    sku: &Sku,
    price: Amount,
    version: i64,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        sku: Set(sku.as_str().to_owned()),
        currency_code: Set(price.currency().to_string()),
        minor_units: Set(price.minor_units()),
        version: Set(version),
    };
    let replace = OnConflict::column(Column::Sku)
        .update_columns([Column::CurrencyCode, Column::MinorUnits, Column::Version])
        .to_owned();
    let insert = Entity::insert(row).on_conflict(replace);
    insert.exec_without_returning(db).await.map(drop)
}

//! Table `untold_prices`: the SKUs whose price the catalog has still to be told.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder, QuerySelect, Set};

use crate::domain::sku::Sku;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "untold_prices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A SKU to tell of, as of that version of its prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    pub sku: Sku,
    pub version: i64,
}

/// Notes that there is something to tell.
pub async fn note(db: &impl ConnectionTrait, untold: &Untold) -> Result<(), DbErr> {
    let row = ActiveModel {
        sku: Set(untold.sku.as_str().to_owned()),
        version: Set(untold.version),
    };
    let renew = OnConflict::column(Column::Sku)
        .update_column(Column::Version)
        .to_owned();
    let insert = Entity::insert(row).on_conflict(renew);
    insert.exec_without_returning(db).await.map(drop)
}

/// Up to `limit` SKUs to tell of, by name, those behind `after`.
pub async fn page(
    db: &impl ConnectionTrait,
    after: Option<&Sku>,
    limit: u64,
) -> Result<Vec<Untold>, DbErr> {
    let mut query = Entity::find();
    if let Some(after) = after {
        query = query.filter(Column::Sku.gt(after.as_str()));
    }
    let rows = query.order_by_asc(Column::Sku).limit(limit).all(db).await?;
    let untold = |row: Model| Untold {
        sku: Sku::new(row.sku),
        version: row.version,
    };
    Ok(rows.into_iter().map(untold).collect())
}

/// Strikes off what was told, unless there is something newer to tell.
pub async fn strike(db: &impl ConnectionTrait, told: &Untold) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Sku.eq(told.sku.as_str()))
        .filter(Column::Version.lte(told.version))
        .exec(db)
        .await
        .map(drop)
}

//! SKUs whose price the catalog has still to be told. Of prices that are there already nobody
//! knows whether it was: it is told them all once.

use sea_orm::ConnectionTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum UntoldPrices {
    Table,
    Sku,
    Version,
}

#[derive(DeriveIden)]
enum Prices {
    Table,
    Sku,
    Version,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let untold = Table::create()
            .table(UntoldPrices::Table)
            .col(text(UntoldPrices::Sku).primary_key())
            .col(big_integer(UntoldPrices::Version))
            .to_owned();
        manager.create_table(untold).await?;
        let known = Query::select()
            .column(Prices::Sku)
            .expr(Expr::col(Prices::Version).max())
            .from(Prices::Table)
            .group_by_col(Prices::Sku)
            .to_owned();
        let mut all = Query::insert();
        all.into_table(UntoldPrices::Table)
            .columns([UntoldPrices::Sku, UntoldPrices::Version])
            .select_from(known)
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        manager.get_connection().execute(&all).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::drop().table(UntoldPrices::Table).to_owned();
        manager.drop_table(drop).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

//! Copies of list prices by SKU, also of those that no product has yet.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum DisplayPrices {
    Table,
    Sku,
    CurrencyCode,
    MinorUnits,
    Version,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let prices = Table::create()
            .table(DisplayPrices::Table)
            .col(text(DisplayPrices::Sku).primary_key())
            .col(string_len(DisplayPrices::CurrencyCode, 3))
            .col(big_integer(DisplayPrices::MinorUnits))
            .col(big_integer(DisplayPrices::Version))
            .to_owned();
        manager.create_table(prices).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::drop().table(DisplayPrices::Table).to_owned();
        manager.drop_table(drop).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

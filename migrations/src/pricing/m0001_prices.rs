//! Prices by SKU and currency, and promotions.
//!
//! A promotion for everything has the empty SKU, so that one index finds both
//! kinds. `prices.version` counts the changes of a SKU over all its currencies.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, string_len, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Prices {
    Table,
    Sku,
    CurrencyCode,
    MinorUnits,
    Version,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Promotions {
    Table,
    Id,
    Sku,
    Percent,
    MinQuantity,
    StartsAt,
    EndsAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::schema::idempotency_keys(manager).await?;
        events::schema::outbox(manager).await?;
        create_prices(manager).await?;
        create_promotions(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            Promotions::Table.into_table_ref(),
            Prices::Table.into_table_ref(),
        ] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        events::schema::drop_outbox(manager).await?;
        sql::schema::drop_idempotency_keys(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn create_prices(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let prices = Table::create()
        .table(Prices::Table)
        .col(text(Prices::Sku))
        .col(string_len(Prices::CurrencyCode, 3))
        .col(big_integer(Prices::MinorUnits).check(Expr::col(Prices::MinorUnits).gte(0)))
        .col(big_integer(Prices::Version))
        .col(timestamp_with_time_zone(Prices::UpdatedAt))
        .primary_key(Index::create().col(Prices::Sku).col(Prices::CurrencyCode))
        .to_owned();
    manager.create_table(prices).await
}

async fn create_promotions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let promotions = Table::create()
        .table(Promotions::Table)
        .col(uuid(Promotions::Id).primary_key())
        .col(text(Promotions::Sku))
        .col(integer(Promotions::Percent))
        .col(integer(Promotions::MinQuantity))
        .col(timestamp_with_time_zone(Promotions::StartsAt))
        .col(timestamp_with_time_zone_null(Promotions::EndsAt))
        .to_owned();
    manager.create_table(promotions).await?;

    let by_sku = Index::create()
        .name("promotions_sku_ends_at")
        .table(Promotions::Table)
        .col(Promotions::Sku)
        .col(Promotions::EndsAt)
        .to_owned();
    manager.create_index(by_sku).await
}

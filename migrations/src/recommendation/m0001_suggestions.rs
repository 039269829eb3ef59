//! What suggestions are made of: the SKUs there are and in how many orders each was, the pairs that
//! were bought together, the last things that each person bought, and the people who left.
//!
//! SKUs of one rank come in their order, so that two engines suggest the same: PostgreSQL compares
//! them byte by byte here, as SQLite does anyway.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
    uuid_null,
};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Offers {
    Table,
    Sku,
    Orders,
    IsSold,
    ProductId,
    Version,
    ListedAt,
}

#[derive(DeriveIden)]
enum Pairs {
    Table,
    Sku,
    Other,
    Orders,
    LastAt,
}

#[derive(DeriveIden)]
enum Purchases {
    Table,
    CustomerId,
    Sku,
    LastAt,
}

#[derive(DeriveIden)]
enum Departures {
    Table,
    CustomerId,
    At,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::schema::idempotency_keys(manager).await?;
        events::schema::outbox(manager).await?;
        create_offers(manager).await?;
        create_pairs(manager).await?;
        create_purchases(manager).await?;
        create_departures(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            Departures::Table.into_table_ref(),
            Purchases::Table.into_table_ref(),
            Pairs::Table.into_table_ref(),
            Offers::Table.into_table_ref(),
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

/// A SKU that is compared byte by byte.
fn sku(manager: &SchemaManager<'_>, name: impl IntoIden) -> ColumnDef {
    let mut column = text(name);
    if manager.get_database_backend() == DbBackend::Postgres {
        column.extra("collate \"C\"");
    }
    column
}

async fn create_offers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let offers = Table::create()
        .table(Offers::Table)
        .col(sku(manager, Offers::Sku).primary_key())
        .col(big_integer(Offers::Orders))
        .col(boolean(Offers::IsSold))
        .col(uuid_null(Offers::ProductId))
        .col(big_integer(Offers::Version))
        .col(timestamp_with_time_zone_null(Offers::ListedAt))
        .to_owned();
    manager.create_table(offers).await?;

    let best = Index::create()
        .name("offers_is_sold_orders_sku")
        .table(Offers::Table)
        .col(Offers::IsSold)
        .col((Offers::Orders, IndexOrder::Desc))
        .col(Offers::Sku)
        .to_owned();
    manager.create_index(best).await
}

async fn create_pairs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let pairs = Table::create()
        .table(Pairs::Table)
        .col(sku(manager, Pairs::Sku))
        .col(sku(manager, Pairs::Other))
        .col(big_integer(Pairs::Orders))
        .col(timestamp_with_time_zone(Pairs::LastAt))
        .primary_key(Index::create().col(Pairs::Sku).col(Pairs::Other))
        .to_owned();
    manager.create_table(pairs).await?;

    let strongest = Index::create()
        .name("pairs_sku_orders_other")
        .table(Pairs::Table)
        .col(Pairs::Sku)
        .col((Pairs::Orders, IndexOrder::Desc))
        .col(Pairs::Other)
        .to_owned();
    manager.create_index(strongest).await?;

    let oldest = Index::create()
        .name("pairs_last_at")
        .table(Pairs::Table)
        .col(Pairs::LastAt)
        .to_owned();
    manager.create_index(oldest).await
}

async fn create_purchases(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let purchases = Table::create()
        .table(Purchases::Table)
        .col(uuid(Purchases::CustomerId))
        .col(sku(manager, Purchases::Sku))
        .col(timestamp_with_time_zone(Purchases::LastAt))
        .primary_key(
            Index::create()
                .col(Purchases::CustomerId)
                .col(Purchases::Sku),
        )
        .to_owned();
    manager.create_table(purchases).await?;

    let last = Index::create()
        .name("purchases_customer_id_last_at_sku")
        .table(Purchases::Table)
        .col(Purchases::CustomerId)
        .col((Purchases::LastAt, IndexOrder::Desc))
        .col(Purchases::Sku)
        .to_owned();
    manager.create_index(last).await
}

async fn create_departures(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let departures = Table::create()
        .table(Departures::Table)
        .col(uuid(Departures::CustomerId).primary_key())
        .col(timestamp_with_time_zone(Departures::At))
        .to_owned();
    manager.create_table(departures).await?;

    let oldest = Index::create()
        .name("departures_at")
        .table(Departures::Table)
        .col(Departures::At)
        .to_owned();
    manager.create_index(oldest).await
}

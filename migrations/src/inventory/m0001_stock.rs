//! Stock levels, reservations and adjustments.
//!
//! The invariant of the books stands in the schema: a level whose parts do not sum to what
//! came in, or with a negative part, cannot be stored. A reservation is one row for its
//! whole life, keyed by the order; so is its absence, once a release came first.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum StockLevels {
    Table,
    Sku,
    Available,
    Reserved,
    Committed,
    Received,
    Version,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Reservations {
    Table,
    OrderId,
    State,
    ReleaseReason,
    ExpiresAt,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Holds {
    Table,
    OrderId,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum ReservationItems {
    Table,
    OrderId,
    Sku,
    Quantity,
    AvailableWhenShort,
}

#[derive(DeriveIden)]
enum StockAdjustments {
    Table,
    Id,
    Sku,
    Delta,
    Reason,
    Subject,
    At,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::schema::idempotency_keys(manager).await?;
        events::schema::outbox(manager).await?;
        create_stock_levels(manager).await?;
        create_reservations(manager).await?;
        create_holds(manager).await?;
        create_reservation_items(manager).await?;
        create_stock_adjustments(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            StockAdjustments::Table.into_table_ref(),
            ReservationItems::Table.into_table_ref(),
            Holds::Table.into_table_ref(),
            Reservations::Table.into_table_ref(),
            StockLevels::Table.into_table_ref(),
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

async fn create_stock_levels(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let parts = Expr::col(StockLevels::Available)
        .add(Expr::col(StockLevels::Reserved))
        .add(Expr::col(StockLevels::Committed));
    let levels = Table::create()
        .table(StockLevels::Table)
        .col(text(StockLevels::Sku).primary_key())
        .col(big_integer(StockLevels::Available))
        .col(big_integer(StockLevels::Reserved))
        .col(big_integer(StockLevels::Committed))
        .col(big_integer(StockLevels::Received))
        .col(big_integer(StockLevels::Version))
        .col(timestamp_with_time_zone(StockLevels::UpdatedAt))
        .check(Expr::col(StockLevels::Available).gte(0))
        .check(Expr::col(StockLevels::Reserved).gte(0))
        .check(Expr::col(StockLevels::Committed).gte(0))
        .check(parts.eq(Expr::col(StockLevels::Received)))
        .to_owned();
    manager.create_table(levels).await
}

async fn create_reservations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let reservations = Table::create()
        .table(Reservations::Table)
        .col(uuid(Reservations::OrderId).primary_key())
        .col(text(Reservations::State))
        .col(text_null(Reservations::ReleaseReason))
        .col(timestamp_with_time_zone_null(Reservations::ExpiresAt))
        .col(big_integer(Reservations::Version))
        .col(timestamp_with_time_zone(Reservations::CreatedAt))
        .col(timestamp_with_time_zone(Reservations::UpdatedAt))
        .to_owned();
    manager.create_table(reservations).await
}

/// The reservations that hold stock now, by the end of their time. They have a table of their
/// own so that reservations need no second index: an update that changes none leaves the
/// index pages alone, on which PostgreSQL would find strangers in conflict.
async fn create_holds(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut owner = ForeignKey::create();
    owner
        .name("holds_order_id_fkey")
        .from(Holds::Table, Holds::OrderId)
        .to(Reservations::Table, Reservations::OrderId)
        .on_delete(ForeignKeyAction::Cascade);
    let holds = Table::create()
        .table(Holds::Table)
        .col(uuid(Holds::OrderId).primary_key())
        .col(timestamp_with_time_zone(Holds::ExpiresAt))
        .foreign_key(&mut owner)
        .to_owned();
    manager.create_table(holds).await?;

    let overdue = Index::create()
        .name("holds_expires_at")
        .table(Holds::Table)
        .col(Holds::ExpiresAt)
        .to_owned();
    manager.create_index(overdue).await
}

async fn create_reservation_items(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut owner = ForeignKey::create();
    owner
        .name("reservation_items_order_id_fkey")
        .from(ReservationItems::Table, ReservationItems::OrderId)
        .to(Reservations::Table, Reservations::OrderId)
        .on_delete(ForeignKeyAction::Cascade);
    let items = Table::create()
        .table(ReservationItems::Table)
        .col(uuid(ReservationItems::OrderId))
        .col(text(ReservationItems::Sku))
        .col(big_integer(ReservationItems::Quantity))
        // What was left when the reservation was refused for this SKU; null if it was not.
        .col(big_integer_null(ReservationItems::AvailableWhenShort))
        .primary_key(
            Index::create()
                .col(ReservationItems::OrderId)
                .col(ReservationItems::Sku),
        )
        .foreign_key(&mut owner)
        .check(Expr::col(ReservationItems::Quantity).gt(0))
        .to_owned();
    manager.create_table(items).await
}

async fn create_stock_adjustments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let adjustments = Table::create()
        .table(StockAdjustments::Table)
        .col(uuid(StockAdjustments::Id).primary_key())
        .col(text(StockAdjustments::Sku))
        .col(big_integer(StockAdjustments::Delta))
        .col(text(StockAdjustments::Reason))
        .col(text(StockAdjustments::Subject))
        .col(timestamp_with_time_zone(StockAdjustments::At))
        .to_owned();
    manager.create_table(adjustments).await?;

    let by_sku = Index::create()
        .name("stock_adjustments_sku_id")
        .table(StockAdjustments::Table)
        .col(StockAdjustments::Sku)
        .col(StockAdjustments::Id)
        .to_owned();
    manager.create_index(by_sku).await
}

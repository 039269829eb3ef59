//! Orders, their lines, their sagas and the timeline.
//!
//! What a customer sees of an order stands apart from how far its saga is: a status is written
//! a few times, a saga at every answer. A saga without a pending attempt has no lease and so
//! falls out of the index that the search for orphans reads.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, binary_null, boolean, integer, small_integer, small_integer_null, string_len,
    text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Orders {
    Table,
    Id,
    CustomerId,
    Status,
    EndReason,
    Currency,
    TotalMinor,
    PieceCount,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum OrderLines {
    Table,
    OrderId,
    Position,
    Sku,
    Quantity,
    UnitPriceMinor,
    AmountMinor,
}

#[derive(DeriveIden)]
enum Sagas {
    Table,
    OrderId,
    Revision,
    Phase,
    Step,
    Undos,
    Attempt,
    Since,
    Due,
    EndStatus,
    EndReason,
    ConfirmedAt,
    PaymentMethod,
    CorrelationId,
    Traceparent,
    Synthetic,
    KeySubject,
    Key,
    KeyHash,
    LeaseOwner,
    LeaseUntil,
}

#[derive(DeriveIden)]
enum SagaLog {
    Table,
    OrderId,
    Revision,
    Position,
    At,
    Step,
    Kind,
    Attempt,
    Outcome,
    DurationMs,
    TraceId,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::schema::idempotency_keys(manager).await?;
        events::schema::outbox(manager).await?;
        create_orders(manager).await?;
        create_order_lines(manager).await?;
        create_sagas(manager).await?;
        create_saga_log(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            SagaLog::Table.into_table_ref(),
            Sagas::Table.into_table_ref(),
            OrderLines::Table.into_table_ref(),
            Orders::Table.into_table_ref(),
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

async fn create_orders(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let orders = Table::create()
        .table(Orders::Table)
        .col(uuid(Orders::Id).primary_key())
        .col(uuid(Orders::CustomerId))
        .col(small_integer(Orders::Status))
        .col(small_integer_null(Orders::EndReason))
        .col(string_len(Orders::Currency, 3))
        .col(big_integer(Orders::TotalMinor))
        .col(integer(Orders::PieceCount))
        .col(big_integer(Orders::Version))
        .col(timestamp_with_time_zone(Orders::CreatedAt))
        .col(timestamp_with_time_zone(Orders::UpdatedAt))
        .check(Expr::col(Orders::Status).between(1, 6))
        .check(Expr::col(Orders::TotalMinor).gte(0))
        .check(Expr::col(Orders::Version).gte(1))
        .to_owned();
    manager.create_table(orders).await?;

    // A customer's list is read newest first, ties by id; with a status or without.
    let list = Index::create()
        .name("orders_customer_id_created_at_id")
        .table(Orders::Table)
        .col(Orders::CustomerId)
        .col(Orders::CreatedAt)
        .col(Orders::Id)
        .to_owned();
    manager.create_index(list).await?;
    let by_status = Index::create()
        .name("orders_customer_id_status_created_at_id")
        .table(Orders::Table)
        .col(Orders::CustomerId)
        .col(Orders::Status)
        .col(Orders::CreatedAt)
        .col(Orders::Id)
        .to_owned();
    manager.create_index(by_status).await
}

async fn create_order_lines(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let lines = Table::create()
        .table(OrderLines::Table)
        .col(uuid(OrderLines::OrderId))
        .col(integer(OrderLines::Position))
        .col(text(OrderLines::Sku))
        .col(integer(OrderLines::Quantity))
        .col(big_integer(OrderLines::UnitPriceMinor))
        .col(big_integer(OrderLines::AmountMinor))
        .primary_key(
            Index::create()
                .col(OrderLines::OrderId)
                .col(OrderLines::Position),
        )
        .foreign_key(&mut belongs(
            "order_lines_order_id_fkey",
            OrderLines::Table.into_iden(),
            OrderLines::OrderId.into_iden(),
        ))
        .check(Expr::col(OrderLines::Quantity).gt(0))
        .to_owned();
    manager.create_table(lines).await
}

async fn create_sagas(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let sagas = Table::create()
        .table(Sagas::Table)
        .col(uuid(Sagas::OrderId).primary_key())
        .col(big_integer(Sagas::Revision))
        .col(small_integer(Sagas::Phase))
        .col(small_integer_null(Sagas::Step))
        .col(text(Sagas::Undos))
        .col(integer(Sagas::Attempt))
        .col(timestamp_with_time_zone_null(Sagas::Since))
        .col(timestamp_with_time_zone_null(Sagas::Due))
        .col(small_integer_null(Sagas::EndStatus))
        .col(small_integer_null(Sagas::EndReason))
        .col(timestamp_with_time_zone_null(Sagas::ConfirmedAt))
        .col(text(Sagas::PaymentMethod))
        .col(text(Sagas::CorrelationId))
        .col(text(Sagas::Traceparent))
        .col(boolean(Sagas::Synthetic))
        .col(text_null(Sagas::KeySubject))
        .col(text_null(Sagas::Key))
        .col(binary_null(Sagas::KeyHash))
        .col(uuid_null(Sagas::LeaseOwner))
        .col(timestamp_with_time_zone_null(Sagas::LeaseUntil))
        .foreign_key(&mut belongs(
            "sagas_order_id_fkey",
            Sagas::Table.into_iden(),
            Sagas::OrderId.into_iden(),
        ))
        .to_owned();
    manager.create_table(sagas).await?;

    let leases = Index::create()
        .name("sagas_lease_until")
        .table(Sagas::Table)
        .col(Sagas::LeaseUntil)
        .to_owned();
    manager.create_index(leases).await
}

async fn create_saga_log(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let log = Table::create()
        .table(SagaLog::Table)
        .col(uuid(SagaLog::OrderId))
        .col(big_integer(SagaLog::Revision))
        .col(integer(SagaLog::Position))
        .col(timestamp_with_time_zone(SagaLog::At))
        .col(text(SagaLog::Step))
        .col(text(SagaLog::Kind))
        .col(integer(SagaLog::Attempt))
        .col(text(SagaLog::Outcome))
        .col(big_integer(SagaLog::DurationMs))
        .col(text(SagaLog::TraceId))
        .primary_key(
            Index::create()
                .col(SagaLog::OrderId)
                .col(SagaLog::Revision)
                .col(SagaLog::Position),
        )
        .foreign_key(&mut belongs(
            "saga_log_order_id_fkey",
            SagaLog::Table.into_iden(),
            SagaLog::OrderId.into_iden(),
        ))
        .to_owned();
    manager.create_table(log).await
}

/// A row that belongs to an order and goes with it.
fn belongs(name: &str, table: DynIden, column: DynIden) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, column)
        .to(Orders::Table, Orders::Id)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

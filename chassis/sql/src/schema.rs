//! The tables that this crate keeps in every service's database, for the services' migrations.

use sea_orm_migration::prelude::{DbErr, Index, SchemaManager, Table};
use sea_orm_migration::schema::{blob, blob_null, text, timestamp_with_time_zone};

use crate::idempotency::Column;

/// Creates the table of idempotency records.
///
/// # Errors
/// The database refuses, or has the table already.
pub async fn idempotency_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table(Column::Table)
        .col(text(Column::Subject))
        .col(text(Column::Method))
        .col(text(Column::Key))
        .col(blob(Column::RequestHash))
        .col(blob_null(Column::Answer))
        .col(timestamp_with_time_zone(Column::At))
        .primary_key(
            Index::create()
                .col(Column::Subject)
                .col(Column::Method)
                .col(Column::Key),
        )
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("idempotency_keys_at")
        .table(Column::Table)
        .col(Column::At)
        .to_owned();
    manager.create_index(index).await
}

/// Drops the table of idempotency records.
///
/// # Errors
/// The database refuses, or has no such table.
pub async fn drop_idempotency_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(Column::Table).to_owned())
        .await
}

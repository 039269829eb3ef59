//! The outbox, for the services' migrations.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::{ColumnDef, DbErr, Expr, Iden, Index, SchemaManager, Table};
use sea_orm_migration::schema::{
    big_integer, blob, boolean, text, timestamp_with_time_zone, uuid, uuid_null,
};
use sea_orm_migration::sea_query;

#[derive(Iden, Clone, Copy)]
pub(crate) enum Outbox {
    Table,
    /// Rises with each row, yet on PostgreSQL a lower one may be committed later.
    Position,
    /// The transaction that wrote the row on PostgreSQL; 0 on SQLite, which has one writer.
    TransactionId,
    EventId,
    Topic,
    /// What kind of thing the key names: the topic up to its dot.
    Aggregate,
    Key,
    Version,
    Source,
    Subject,
    At,
    CorrelationId,
    Traceparent,
    Synthetic,
    Data,
}

/// Creates the outbox.
///
/// # Errors
/// The database refuses, or has the table already.
pub async fn outbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    let mut transaction_id = big_integer(Outbox::TransactionId);
    if postgres {
        transaction_id.default(Expr::cust("(pg_current_xact_id()::text::bigint)"));
    } else {
        transaction_id.default(0);
    }
    let table = Table::create()
        .table(Outbox::Table)
        .col(
            ColumnDef::new(Outbox::Position)
                .big_integer()
                .auto_increment()
                .primary_key(),
        )
        .col(transaction_id)
        .col(uuid(Outbox::EventId))
        .col(text(Outbox::Topic))
        .col(text(Outbox::Aggregate))
        .col(text(Outbox::Key))
        .col(big_integer(Outbox::Version))
        .col(text(Outbox::Source))
        .col(uuid_null(Outbox::Subject))
        .col(timestamp_with_time_zone(Outbox::At))
        .col(text(Outbox::CorrelationId))
        .col(text(Outbox::Traceparent))
        .col(boolean(Outbox::Synthetic))
        .col(blob(Outbox::Data))
        .to_owned();
    manager.create_table(table).await?;
    let one_per_version = Index::create()
        .name("outbox_one_per_version")
        .table(Outbox::Table)
        .col(Outbox::Aggregate)
        .col(Outbox::Key)
        .col(Outbox::Version)
        .unique()
        .to_owned();
    manager.create_index(one_per_version).await?;
    if postgres {
        let in_order = Index::create()
            .name("outbox_in_order")
            .table(Outbox::Table)
            .col(Outbox::TransactionId)
            .col(Outbox::Position)
            .to_owned();
        manager.create_index(in_order).await?; // SQLite's order is that of its primary key
    }
    Ok(())
}

/// Drops the outbox.
///
/// # Errors
/// The database refuses, or has no outbox.
pub async fn drop_outbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(Outbox::Table).to_owned())
        .await
}

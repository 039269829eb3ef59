//! What a service keeps that hears facts, for its migrations.

use sea_orm_migration::prelude::{DbErr, Iden, Index, SchemaManager, Table};
use sea_orm_migration::schema::{
    big_integer, blob, boolean, integer, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};
use sea_orm_migration::sea_query;

/// What a consumer acted on, so that it acts once.
#[derive(Iden, Clone, Copy)]
pub(crate) enum Inbox {
    Table,
    Consumer,
    EventId,
    At,
}

/// How far a consumer has come in an outbox.
#[derive(Iden, Clone, Copy)]
pub(crate) enum Marks {
    #[iden = "consumer_marks"]
    Table,
    Consumer,
    Source,
    Epoch,
    TransactionId,
    Position,
    At,
}

/// Facts that a consumer failed at, and those of the same thing that came behind them.
#[derive(Iden, Clone, Copy)]
pub(crate) enum ParkedFacts {
    #[iden = "parked_facts"]
    Table,
    Consumer,
    EventId,
    Source,
    TransactionId,
    Position,
    Epoch,
    Topic,
    Key,
    Version,
    Subject,
    At,
    CorrelationId,
    Traceparent,
    Synthetic,
    Data,
    /// How often the consumer failed at it; 0 for one that waits behind another.
    Tries,
    /// When it is tried next; null for a dead letter.
    NextAt,
    /// Why the consumer failed last.
    Cause,
}

/// Creates what a service needs that hears facts: its inbox, its marks, and the facts it failed at.
///
/// # Errors
/// The database refuses, or has the tables already.
pub async fn consumed(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let inbox = Table::create()
        .table(Inbox::Table)
        .col(text(Inbox::Consumer))
        .col(uuid(Inbox::EventId))
        .col(timestamp_with_time_zone(Inbox::At))
        .primary_key(Index::create().col(Inbox::Consumer).col(Inbox::EventId))
        .to_owned();
    manager.create_table(inbox).await?;
    let inbox_at = Index::create()
        .name("inbox_at")
        .table(Inbox::Table)
        .col(Inbox::At)
        .to_owned();
    manager.create_index(inbox_at).await?;
    let marks = Table::create()
        .table(Marks::Table)
        .col(text(Marks::Consumer))
        .col(text(Marks::Source))
        .col(uuid(Marks::Epoch))
        .col(big_integer(Marks::TransactionId))
        .col(big_integer(Marks::Position))
        .col(timestamp_with_time_zone(Marks::At))
        .primary_key(Index::create().col(Marks::Consumer).col(Marks::Source))
        .to_owned();
    manager.create_table(marks).await?;
    let parked = Table::create()
        .table(ParkedFacts::Table)
        .col(text(ParkedFacts::Consumer))
        .col(uuid(ParkedFacts::EventId))
        .col(text(ParkedFacts::Source))
        .col(uuid(ParkedFacts::Epoch))
        .col(big_integer(ParkedFacts::TransactionId))
        .col(big_integer(ParkedFacts::Position))
        .col(text(ParkedFacts::Topic))
        .col(text(ParkedFacts::Key))
        .col(big_integer(ParkedFacts::Version))
        .col(uuid_null(ParkedFacts::Subject))
        .col(timestamp_with_time_zone(ParkedFacts::At))
        .col(text(ParkedFacts::CorrelationId))
        .col(text(ParkedFacts::Traceparent))
        .col(boolean(ParkedFacts::Synthetic))
        .col(blob(ParkedFacts::Data))
        .col(integer(ParkedFacts::Tries))
        .col(timestamp_with_time_zone_null(ParkedFacts::NextAt))
        .col(text(ParkedFacts::Cause))
        .primary_key(
            Index::create()
                .col(ParkedFacts::Consumer)
                .col(ParkedFacts::EventId),
        )
        .to_owned();
    manager.create_table(parked).await?;
    let by_key = Index::create()
        .name("parked_facts_by_key")
        .table(ParkedFacts::Table)
        .col(ParkedFacts::Consumer)
        .col(ParkedFacts::Source)
        .col(ParkedFacts::Key)
        .col(ParkedFacts::TransactionId)
        .col(ParkedFacts::Position)
        .to_owned();
    manager.create_index(by_key).await
}

/// Drops what [`consumed`] creates.
///
/// # Errors
/// The database refuses, or has none of them.
pub async fn drop_consumed(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for table in [
        Table::drop().table(ParkedFacts::Table).to_owned(),
        Table::drop().table(Marks::Table).to_owned(),
        Table::drop().table(Inbox::Table).to_owned(),
    ] {
        manager.drop_table(table).await?;
    }
    Ok(())
}

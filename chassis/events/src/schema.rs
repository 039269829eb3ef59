//! The outbox, for the services' migrations; what hears of it is in [`consumed`].

mod consumed;

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::{
    ColumnDef, DbErr, Expr, ExprTrait, Iden, Index, IndexCreateStatement, Query, SchemaManager,
    Table,
};
use sea_orm_migration::schema::{
    big_integer, blob, boolean, integer, small_integer, text, timestamp_with_time_zone, uuid,
    uuid_null,
};
use sea_orm_migration::sea_query;

pub(crate) use consumed::{Inbox, Marks, ParkedFacts};
pub use consumed::{consumed, drop_consumed};

/// Where the rows of a PostgreSQL database were written: another server, another database of it and
/// another history of the same one, as after a recovery, each give other numbers to transactions.
pub(crate) const HERE: &str = "(
    select concat_ws(':', system_identifier, timeline_id, oid)
    from pg_control_system(), pg_control_checkpoint(), pg_database
    where datname = current_database()
)";
/// A random epoch, made by PostgreSQL.
pub(crate) const NEW_EPOCH_POSTGRES: &str = "gen_random_uuid()";
const NEW_EPOCH_SQLITE: &str = "randomblob(16)";

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
    /// See [`crate::lane`].
    Lane,
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

/// One row about the whole outbox.
#[derive(Iden, Clone, Copy)]
pub(crate) enum State {
    #[iden = "outbox_state"]
    Table,
    Id,
    /// Which history this is.
    Epoch,
    /// Where the rows were written on PostgreSQL; empty on SQLite.
    Home,
    /// Rows up to the place of these two are gone.
    PrunedTransactionId,
    PrunedPosition,
}

/// Creates the outbox as it was at first, without its lanes and its state.
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

/// Gives facts a lane, and the outbox its state. Facts that are there already stay in the first lane: nothing reads by
/// lane yet, and they are gone before anything may.
///
/// # Errors
/// The database refuses, or has them already.
pub async fn outbox_lanes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let add = Table::alter()
        .table(Outbox::Table)
        .add_column(small_integer(Outbox::Lane).default(0))
        .to_owned();
    manager.alter_table(add).await?;
    let state = Table::create()
        .table(State::Table)
        .col(integer(State::Id).primary_key())
        .col(uuid(State::Epoch))
        .col(text(State::Home))
        .col(big_integer(State::PrunedTransactionId))
        .col(big_integer(State::PrunedPosition))
        .check(Expr::col(State::Id).eq(1))
        .to_owned();
    manager.create_table(state).await?;
    let (epoch, home) = match manager.get_database_backend() {
        DbBackend::Postgres => (NEW_EPOCH_POSTGRES, HERE),
        _ => (NEW_EPOCH_SQLITE, "''"),
    };
    let mut row = Query::insert();
    row.into_table(State::Table)
        .columns([
            State::Id,
            State::Epoch,
            State::Home,
            State::PrunedTransactionId,
            State::PrunedPosition,
        ])
        .values_panic([
            1.into(),
            Expr::cust(epoch),
            Expr::cust(home),
            0.into(),
            0.into(),
        ]);
    manager.get_connection().execute(&row).await.map(drop)
}

/// The index by which a relay reads one lane in order, a change of its own: it is built while others write.
pub fn outbox_in_lanes(backend: DbBackend) -> IndexCreateStatement {
    in_order_of(Outbox::Lane, backend)
}

/// The index over the facts of one person, for those who resume a watch of all that concerns them: without it they
/// would read what happened to everybody meanwhile.
pub fn outbox_by_subject(backend: DbBackend) -> IndexCreateStatement {
    in_order_of(Outbox::Subject, backend)
}

fn in_order_of(first: Outbox, backend: DbBackend) -> IndexCreateStatement {
    let mut index = Index::create();
    index.table(Outbox::Table).col(first);
    if backend == DbBackend::Postgres {
        index.col(Outbox::TransactionId); // SQLite's order is that of the positions alone
    }
    index.col(Outbox::Position).to_owned()
}

/// Takes lanes and state from an outbox.
///
/// # Errors
/// The database refuses, or has none of them.
pub async fn drop_outbox_lanes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(State::Table).to_owned())
        .await?;
    let column = Table::alter()
        .table(Outbox::Table)
        .drop_column(Outbox::Lane)
        .to_owned();
    manager.alter_table(column).await
}

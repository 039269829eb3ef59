//! Facts that a consumer failed at. They wait aside for their next try, and those of the same thing behind them, so
//! that all others go on; after the last try one is a dead letter, until somebody has it tried again.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{
    Alias, DynIden, Expr, ExprTrait, IntoIden, OnConflict, Order, Query, SelectStatement,
};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use sql::{Database, retrying};
use uuid::Uuid;

use crate::outbox::{Recorded, recorded};
use crate::schema::ParkedFacts as Column;

/// How long a dead letter is kept after it became true.
pub const KEPT: TimeDelta = TimeDelta::days(30);
/// Facts that are looked at in one go.
const LOOKED_AT_MAX: u64 = 500;

/// All of a row but whose it is.
const COLUMNS: [Column; 17] = [
    Column::EventId,
    Column::Source,
    Column::Epoch,
    Column::TransactionId,
    Column::Position,
    Column::Topic,
    Column::Key,
    Column::Version,
    Column::Subject,
    Column::At,
    Column::CorrelationId,
    Column::Traceparent,
    Column::Synthetic,
    Column::Data,
    Column::Tries,
    Column::NextAt,
    Column::Cause,
];

/// A fact that waits.
#[derive(Clone, Debug)]
pub struct Parked {
    /// The fact.
    pub fact: Recorded,
    /// How often the consumer failed at it.
    pub tries: u32,
    /// When it is tried next; none for a dead letter.
    pub next_at: Option<DateTime<Utc>>,
    /// Why the consumer failed last; empty for one that waits behind another.
    pub cause: String,
}

/// Puts a fact aside for `consumer`. One that is there already stays as it is.
///
/// # Errors
/// The database failed.
pub async fn park(db: &Database, consumer: &str, parked: &Parked) -> Result<(), DbErr> {
    let fact = &parked.fact;
    let mut insert = Query::insert();
    insert
        .into_table(Column::Table)
        .columns([Column::Consumer].into_iter().chain(COLUMNS))
        .values_panic([
            consumer.into(),
            fact.event_id.into(),
            fact.source.as_str().into(),
            fact.cursor.epoch.into(),
            fact.cursor.transaction_id.into(),
            fact.cursor.position.into(),
            fact.topic.as_str().into(),
            fact.key.as_str().into(),
            fact.version.into(),
            fact.subject.into(),
            fact.at.into(),
            fact.origin.correlation_id.as_str().into(),
            fact.origin.traceparent.as_str().into(),
            fact.origin.synthetic.into(),
            fact.data.clone().into(),
            tries(parked.tries).into(),
            parked.next_at.into(),
            parked.cause.as_str().into(),
        ])
        .on_conflict(
            OnConflict::columns([Column::Consumer, Column::EventId])
                .do_nothing()
                .to_owned(),
        );
    write(db, &insert).await.map(drop)
}

/// Notes that another try failed.
///
/// # Errors
/// The database failed.
pub async fn failed(db: &Database, consumer: &str, parked: &Parked) -> Result<(), DbErr> {
    let mut update = Query::update();
    update
        .table(Column::Table)
        .value(Column::Tries, tries(parked.tries))
        .value(Column::NextAt, parked.next_at)
        .value(Column::Cause, parked.cause.as_str())
        .and_where(Expr::col(Column::Consumer).eq(consumer))
        .and_where(Expr::col(Column::EventId).eq(parked.fact.event_id));
    write(db, &update).await.map(drop)
}

/// Takes a fact away that was acted on.
///
/// # Errors
/// The database failed.
pub async fn done(db: &Database, consumer: &str, event_id: Uuid) -> Result<(), DbErr> {
    let mut delete = Query::delete();
    delete
        .from_table(Column::Table)
        .and_where(Expr::col(Column::Consumer).eq(consumer))
        .and_where(Expr::col(Column::EventId).eq(event_id));
    write(db, &delete).await.map(drop)
}

/// The things of `source` about which facts wait to be tried.
///
/// # Errors
/// The database failed.
pub async fn keys(
    db: &impl ConnectionTrait,
    consumer: &str,
    source: &str,
) -> Result<HashSet<String>, DbErr> {
    let mut select = Query::select();
    select
        .distinct()
        .column(Column::Key)
        .from(Column::Table)
        .and_where(Expr::col(Column::Consumer).eq(consumer))
        .and_where(Expr::col(Column::Source).eq(source))
        .and_where(Expr::col(Column::NextAt).is_not_null());
    let rows = db.query_all(&select).await?;
    rows.iter().map(|row| row.try_get("", "key")).collect()
}

/// The facts of `source` that wait to be tried and are the first about their things, whether or not they are due.
///
/// # Errors
/// The database failed.
pub async fn heads(
    db: &impl ConnectionTrait,
    consumer: &str,
    source: &str,
) -> Result<Vec<Parked>, DbErr> {
    let before = Alias::new("before");
    let place_of = |table: DynIden| {
        Expr::tuple([
            Expr::col((table.clone(), Column::TransactionId)),
            Expr::col((table, Column::Position)),
        ])
    };
    let this = Column::Table.into_iden();
    let mut earlier = Query::select();
    earlier
        .expr(Expr::val(1))
        .from_as(Column::Table, before.clone())
        .and_where(Expr::col((before.clone(), Column::Consumer)).eq(consumer))
        .and_where(Expr::col((before.clone(), Column::Source)).eq(source))
        .and_where(Expr::col((before.clone(), Column::Key)).equals((Column::Table, Column::Key)))
        .and_where(Expr::col((before.clone(), Column::NextAt)).is_not_null())
        .and_where(place_of(before.into_iden()).lt(place_of(this)));
    let mut select = select();
    select
        .and_where(Expr::col(Column::Consumer).eq(consumer))
        .and_where(Expr::col(Column::Source).eq(source))
        .and_where(Expr::col(Column::NextAt).is_not_null())
        .and_where(Expr::exists(earlier).not())
        .order_by(Column::Key, Order::Asc)
        .order_by(Column::TransactionId, Order::Asc)
        .order_by(Column::Position, Order::Asc)
        .limit(LOOKED_AT_MAX);
    db.query_all(&select).await?.iter().map(parked).collect()
}

/// Whether facts about a thing of `source` wait to be tried.
///
/// # Errors
/// The database failed.
pub async fn waits(
    db: &impl ConnectionTrait,
    consumer: &str,
    source: &str,
    key: &str,
) -> Result<bool, DbErr> {
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(Column::Table)
        .and_where(Expr::col(Column::Consumer).eq(consumer))
        .and_where(Expr::col(Column::Source).eq(source))
        .and_where(Expr::col(Column::Key).eq(key))
        .and_where(Expr::col(Column::NextAt).is_not_null())
        .limit(1);
    Ok(db.query_one(&select).await?.is_some())
}

/// Deletes dead letters that became true at `before` or earlier.
///
/// # Errors
/// The database failed.
pub async fn forget(db: &Database, consumer: &str, before: DateTime<Utc>) -> Result<(), DbErr> {
    let mut delete = Query::delete();
    delete
        .from_table(Column::Table)
        .and_where(Expr::col(Column::Consumer).eq(consumer))
        .and_where(Expr::col(Column::NextAt).is_null())
        .and_where(Expr::col(Column::At).lte(before));
    write(db, &delete).await.map(drop)
}

/// What waits aside for any consumer, dead letters first, with whose it is: the fact with that id, or at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn all(
    db: &impl ConnectionTrait,
    event_id: Option<Uuid>,
    limit: u64,
) -> Result<Vec<(String, Parked)>, DbErr> {
    let mut found = Vec::new();
    let next_at = || Expr::col(Column::NextAt);
    for which in [next_at().is_null(), next_at().is_not_null()] {
        let mut select = select();
        select
            .column(Column::Consumer)
            .and_where(which)
            .order_by(Column::Consumer, Order::Asc)
            .order_by(Column::EventId, Order::Asc)
            .limit(limit.saturating_sub(found.len() as u64));
        if let Some(event_id) = event_id {
            select.and_where(Expr::col(Column::EventId).eq(event_id));
        }
        let rows = db.query_all(&select).await?;
        let whose = |row: &QueryResult| Ok((row.try_get("", "consumer")?, parked(row)?));
        let rows: Vec<_> = rows.iter().map(whose).collect::<Result<_, DbErr>>()?;
        found.extend(rows);
    }
    Ok(found)
}

/// Has dead letters tried again as often as facts that were never tried: of one consumer or of all, those with these
/// ids or all. Returns how many.
///
/// # Errors
/// The database failed.
pub async fn redrive(
    db: &Database,
    consumer: Option<&str>,
    event_ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let mut update = Query::update();
    update
        .table(Column::Table)
        .value(Column::Tries, 0)
        .value(Column::NextAt, now)
        .and_where(Expr::col(Column::NextAt).is_null());
    if let Some(consumer) = consumer {
        update.and_where(Expr::col(Column::Consumer).eq(consumer));
    }
    if !event_ids.is_empty() {
        update.and_where(Expr::col(Column::EventId).is_in(event_ids.iter().copied()));
    }
    write(db, &update).await
}

/// How many dead letters `consumer` has.
///
/// # Errors
/// The database failed.
pub async fn dead(db: &impl ConnectionTrait, consumer: &str) -> Result<i64, DbErr> {
    let mut count = Query::select();
    count
        .expr_as(Expr::col(Column::EventId).count(), "dead")
        .from(Column::Table)
        .and_where(Expr::col(Column::Consumer).eq(consumer))
        .and_where(Expr::col(Column::NextAt).is_null());
    match db.query_one(&count).await? {
        Some(row) => row.try_get("", "dead"),
        None => Ok(0),
    }
}

fn select() -> SelectStatement {
    Query::select()
        .columns(COLUMNS)
        .from(Column::Table)
        .to_owned()
}

fn parked(row: &QueryResult) -> Result<Parked, DbErr> {
    let tries: i32 = row.try_get("", "tries")?;
    Ok(Parked {
        fact: recorded(row)?,
        tries: u32::try_from(tries).unwrap_or_default(),
        next_at: row.try_get("", "next_at")?,
        cause: row.try_get("", "cause")?,
    })
}

fn tries(tries: u32) -> i32 {
    i32::try_from(tries).unwrap_or(i32::MAX)
}

/// How many rows it was about.
async fn write(db: &Database, statement: &impl sea_orm::StatementBuilder) -> Result<u64, DbErr> {
    let attempt = async || {
        let txn = db.begin_guarded().await?;
        let written = txn.execute(statement).await?;
        txn.commit().await?;
        Ok(written.rows_affected())
    };
    retrying(attempt).await
}

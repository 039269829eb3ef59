//! Table `saga_log`: the timeline of an order, a line per answered attempt and per status.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait, Set};
use sql::Transaction;

use crate::domain::id::OrderId;
use crate::saga::record::{LogEntry, LogKind};
use crate::store::broken;

/// The longest timeline that is shown; none is written that long.
pub const ENTRIES_MAX: u64 = 1000;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "saga_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    order_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    revision: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    position: i32,
    at: DateTime<Utc>,
    step: String,
    kind: String,
    attempt: i32,
    outcome: String,
    duration_ms: i64,
    trace_id: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds the lines that a saga's `revision` came with, in one statement.
///
/// # Errors
/// The database failed.
pub async fn insert(
    txn: &Transaction,
    id: OrderId,
    revision: i64,
    entries: Vec<LogEntry>,
) -> Result<(), DbErr> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = entries
        .into_iter()
        .zip(0..)
        .map(|(entry, position)| ActiveModel {
            order_id: Set(id.0),
            revision: Set(revision),
            position: Set(position),
            at: Set(entry.at),
            step: Set(entry.step),
            kind: Set(entry.kind.name().to_owned()),
            attempt: Set(entry.attempt),
            outcome: Set(entry.outcome),
            duration_ms: Set(entry.duration_ms),
            trace_id: Set(entry.trace_id),
        });
    txn.defer(Entity::insert_many(rows).as_query()).await
}

/// The timeline, oldest first, at most [`ENTRIES_MAX`] lines.
///
/// # Errors
/// The database failed.
pub async fn of(db: &impl ConnectionTrait, id: OrderId) -> Result<Vec<LogEntry>, DbErr> {
    let rows = Entity::find()
        .filter(Column::OrderId.eq(id.0))
        .order_by_asc(Column::Revision)
        .order_by_asc(Column::Position)
        .limit(ENTRIES_MAX)
        .all(db)
        .await?;
    rows.into_iter().map(LogEntry::try_from).collect()
}

impl TryFrom<Model> for LogEntry {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        Ok(Self {
            at: row.at,
            kind: LogKind::parse(&row.kind).ok_or_else(|| broken("saga_log", "kind"))?,
            step: row.step,
            attempt: row.attempt,
            outcome: row.outcome,
            duration_ms: row.duration_ms,
            trace_id: row.trace_id,
        })
    }
}

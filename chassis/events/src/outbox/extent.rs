//! What an outbox holds: from what was pruned to what can be read now, under its epoch.
//!
//! The epoch names one history of an outbox. A database that was restored from a copy tells
//! another one from then on, so it gets another epoch where that can be seen, and a place of the
//! old history is never taken for one of the new.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SimpleExpr};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sql::{Database, Engine, retrying};
use uuid::Uuid;

use super::{OLDEST_RUNNING, in_order, up_to_place};
use crate::cursor::Cursor;
use crate::schema::{HERE, NEW_EPOCH_POSTGRES, Outbox, State};

/// As far as the clocks of replicas may differ.
pub const CLOCKS_DIFFER_MAX: TimeDelta = TimeDelta::minutes(30);

/// The number of PostgreSQL's next transaction.
const NEXT_TRANSACTION: &str = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

/// From which place to which an outbox can be read now.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    epoch: Uuid,
    /// Rows up to this place are gone.
    pruned: (i64, i64),
    /// Whatever is committed later comes after this place.
    end: (i64, i64),
    /// No place that was ever given out lies after this one. On PostgreSQL the end itself may fall
    /// back: whose a transaction is cannot be told in the moment in which it ends.
    latest: (i64, i64),
}

impl Extent {
    /// What a copy of an outbox holds that numbers its facts from 1 without a gap, in an epoch of its own: those from
    /// `first` to `last`.
    pub fn numbered(epoch: Uuid, first: u64, last: u64) -> Self {
        let place = |number: u64| (0, i64::try_from(number).unwrap_or(i64::MAX));
        Self {
            epoch,
            pruned: place(first.saturating_sub(1)),
            end: place(last),
            latest: place(last),
        }
    }

    /// Tells whether everything after `cursor` is still there. A place behind the latest is one of
    /// a history that was lost.
    pub fn holds(&self, cursor: Cursor) -> bool {
        cursor.epoch == self.epoch && (self.pruned..=self.latest).contains(&cursor.place())
    }

    /// The place before everything that is still there.
    pub fn begin(&self, now: DateTime<Utc>) -> Cursor {
        Cursor {
            epoch: self.epoch,
            transaction_id: self.pruned.0,
            position: self.pruned.1,
            at: now,
        }
    }

    /// The place behind everything that can be read now.
    pub fn end(&self, now: DateTime<Utc>) -> Cursor {
        Cursor {
            epoch: self.epoch,
            transaction_id: self.end.0,
            position: self.end.1,
            at: now,
        }
    }
}

/// Returns what the outbox holds, under a new epoch if its database was moved or restored.
///
/// # Errors
/// The database failed.
pub async fn extent(db: &Database) -> Result<Extent, DbErr> {
    if let Some(extent) = read(db.read()).await? {
        return Ok(extent);
    }
    retrying(|| renew(db)).await?;
    let extent = read(db.read()).await?;
    extent.ok_or_else(|| DbErr::RecordNotFound("the epoch of the outbox".into()))
}

/// None where the rows were written in another place than they are now.
async fn read(db: &impl ConnectionTrait) -> Result<Option<Extent>, DbErr> {
    let mut query = Query::select();
    query
        .columns([
            State::Epoch,
            State::PrunedTransactionId,
            State::PrunedPosition,
        ])
        .from(State::Table)
        .and_where(Expr::col(State::Id).eq(1));
    match db.get_database_backend() {
        DbBackend::Postgres => query
            .expr_as(Expr::col(State::Home).eq(Expr::cust(HERE)), "at_home")
            .expr_as(Expr::cust(OLDEST_RUNNING), "end_transaction_id")
            .expr_as(Expr::val(0_i64), "end_position")
            .expr_as(Expr::cust(NEXT_TRANSACTION), "latest_transaction_id"),
        _ => query
            .expr_as(Expr::val(true), "at_home")
            .expr_as(Expr::val(0_i64), "end_transaction_id")
            .expr_as(
                last_position().if_null(Expr::col(State::PrunedPosition)),
                "end_position",
            ),
    };
    let row = db.query_one(&query).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the state of the outbox".into()))?;
    let end = (
        row.try_get("", "end_transaction_id")?,
        row.try_get("", "end_position")?,
    );
    let extent = Extent {
        epoch: row.try_get("", "epoch")?,
        pruned: (
            row.try_get("", "pruned_transaction_id")?,
            row.try_get("", "pruned_position")?,
        ),
        end,
        latest: match db.get_database_backend() {
            DbBackend::Postgres => (row.try_get("", "latest_transaction_id")?, i64::MAX),
            _ => end,
        },
    };
    let at_home: bool = row.try_get("", "at_home")?;
    Ok(at_home.then_some(extent))
}

fn last_position() -> SimpleExpr {
    let last = Query::select()
        .expr(Expr::col(Outbox::Position).max())
        .from(Outbox::Table)
        .to_owned();
    SimpleExpr::SubQuery(None, Box::new(last.into()))
}

/// Where pruning had come to, once rows are in the order of their positions: to before the first, if
/// any was pruned.
const PRUNED_POSITION: &str = "case when (pruned_transaction_id, pruned_position) > (0, 0)
    then coalesce((select min(position) - 1 from outbox), pruned_position) else 0 end";

/// Begins a new epoch on PostgreSQL. The rows were written by transactions of another server, whose
/// numbers mean nothing here: they come before everything that is written here, by position.
async fn renew(db: &Database) -> Result<(), DbErr> {
    debug_assert_eq!(db.engine(), Engine::Postgres, "a file is always at home");
    let txn = sql::sweep::begin(db).await?;
    txn.execute_unprepared("set local statement_timeout = 0")
        .await?;
    let mut state = Query::update();
    state
        .table(State::Table)
        .value(State::Epoch, Expr::cust(NEW_EPOCH_POSTGRES))
        .value(State::Home, Expr::cust(HERE))
        .value(State::PrunedTransactionId, 0_i64)
        .value(State::PrunedPosition, Expr::cust(PRUNED_POSITION))
        .and_where(Expr::col(State::Id).eq(1))
        .and_where(Expr::col(State::Home).ne(Expr::cust(HERE)));
    if txn.execute(&state).await?.rows_affected() == 1 {
        let mut rows = Query::update();
        rows.table(Outbox::Table)
            .value(Outbox::TransactionId, 0_i64)
            .and_where(Expr::col(Outbox::TransactionId).gt(0_i64));
        txn.execute(&rows).await?;
        tracing::warn!(
            service = db.service(),
            "The database was moved or restored: cursors of its watchers hold no longer"
        );
    }
    txn.commit().await
}

/// Tells whether `cursor` can be one of this history: nothing before its place is younger than it.
/// A file that was restored from a copy has the epoch of the copy, and other facts at the places
/// of those that were lost.
///
/// # Errors
/// The database failed.
pub async fn remembers(db: &impl ConnectionTrait, cursor: Cursor) -> Result<bool, DbErr> {
    let backend = db.get_database_backend();
    let mut last = Query::select();
    last.column(Outbox::At)
        .from(Outbox::Table)
        .and_where(up_to_place(backend, cursor.place()))
        .limit(1);
    in_order(&mut last, backend, Order::Desc);
    let Some(row) = db.query_one(&last).await? else {
        return Ok(true);
    };
    let at: DateTime<Utc> = row.try_get("", "at")?;
    Ok(at <= cursor.at + CLOCKS_DIFFER_MAX)
}

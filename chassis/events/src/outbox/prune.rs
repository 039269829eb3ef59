//! Deletes facts that no cursor can resume before.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ConnectionTrait, DbErr};
use sql::{Database, Engine, retrying, sweep};

use super::{OLDEST_RUNNING, extent, in_order, tuple, up_to_place};
use crate::cursor::{self, Cursor};
use crate::schema::{Outbox, State};

/// How long facts are kept: longer than a cursor resumes, by more than clocks differ.
pub const KEPT: TimeDelta = TimeDelta::days(8);
const _: () = assert!(KEPT.num_seconds() > cursor::KEPT.num_seconds());

/// Deletes the oldest facts as long as they are from `before` or earlier, notes how far it came,
/// and returns how many they were. A cursor from before that place is refused from then on.
///
/// A fact that a slower transaction may still overtake stays, and so does everything after it; likewise one after
/// `heard`, the place up to which all who hear this outbox have come.
///
/// # Errors
/// The database failed; what was deleted stays so.
pub async fn prune(
    db: &Database,
    before: DateTime<Utc>,
    heard: Option<Cursor>,
) -> Result<u64, DbErr> {
    if let Some(heard) = heard
        && !extent(db).await?.holds(heard)
    {
        return Ok(0); // a place of another history says nothing of this one
    }
    sweep::in_batches(|| prune_some(db, before, heard)).await
}

async fn prune_some(
    db: &Database,
    before: DateTime<Utc>,
    heard: Option<Cursor>,
) -> Result<u64, DbErr> {
    match last_old(db, before, heard).await? {
        Some(last) => retrying(|| delete_up_to(db, last)).await,
        None => Ok(0),
    }
}

/// The place of the last fact to delete now, if there is any. What it finds is settled, so the
/// deletion needs to look at nothing again.
async fn last_old(
    db: &Database,
    before: DateTime<Utc>,
    heard: Option<Cursor>,
) -> Result<Option<(i64, i64)>, DbErr> {
    let backend = db.read().get_database_backend();
    let mut oldest = Query::select();
    oldest
        .columns([Outbox::TransactionId, Outbox::Position, Outbox::At])
        .from(Outbox::Table)
        .limit(sweep::BATCH);
    if db.engine() == Engine::Postgres {
        oldest.and_where(Expr::col(Outbox::TransactionId).lt(Expr::cust(OLDEST_RUNNING)));
    }
    in_order(&mut oldest, backend, Order::Asc);
    let mut last = None;
    for row in db.read().query_all(&oldest).await? {
        let at: DateTime<Utc> = row.try_get("", "at")?;
        let place = (
            row.try_get("", "transaction_id")?,
            row.try_get("", "position")?,
        );
        if at > before || heard.is_some_and(|heard| place > heard.place()) {
            break;
        }
        last = Some(place);
    }
    Ok(last)
}

async fn delete_up_to(db: &Database, last: (i64, i64)) -> Result<u64, DbErr> {
    let txn = sweep::begin(db).await?;
    let backend = txn.get_database_backend();
    let mut delete = Query::delete();
    delete
        .from_table(Outbox::Table)
        .and_where(up_to_place(backend, last));
    let deleted = txn.execute(&delete).await?.rows_affected();
    let mut note = Query::update();
    note.table(State::Table)
        .value(State::PrunedTransactionId, last.0)
        .value(State::PrunedPosition, last.1)
        .and_where(Expr::col(State::Id).eq(1))
        .and_where(
            Expr::tuple([
                Expr::col(State::PrunedTransactionId),
                Expr::col(State::PrunedPosition),
            ])
            .lt(tuple(last)),
        );
    txn.execute(&note).await?;
    txn.commit().await?;
    Ok(deleted)
}

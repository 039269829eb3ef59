//! What a consumer acted on already. A fact may be delivered more than once; its mark is made in the transaction of
//! its effect, so there is one effect, whatever crashes between.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ConnectionTrait, DbErr};
use sql::{Database, Transaction, retrying, sweep};
use uuid::Uuid;

use crate::outbox;
use crate::schema::Inbox;

/// How long marks are kept: far longer than facts, which stay for as long as some group has not heard them.
pub const KEPT: TimeDelta = TimeDelta::days(30);
const _: () = assert!(KEPT.num_seconds() > 3 * outbox::KEPT.num_seconds());

/// Marks facts as acted on, and returns those that were not yet. The caller bounds them.
///
/// # Errors
/// The database failed.
pub async fn claim(
    txn: &Transaction,
    consumer: &str,
    event_ids: impl IntoIterator<Item = Uuid>,
    now: DateTime<Utc>,
) -> Result<HashSet<Uuid>, DbErr> {
    // In one order, so that of two who claim the same one waits, and never each for the other.
    let event_ids: BTreeSet<Uuid> = event_ids.into_iter().collect();
    if event_ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut insert = Query::insert();
    insert
        .into_table(Inbox::Table)
        .columns([Inbox::Consumer, Inbox::EventId, Inbox::At])
        .on_conflict(
            OnConflict::columns([Inbox::Consumer, Inbox::EventId])
                .do_nothing()
                .to_owned(),
        )
        .returning_col(Inbox::EventId);
    for event_id in event_ids {
        insert.values_panic([consumer.into(), event_id.into(), now.into()]);
    }
    let claimed = txn.query_all(&insert).await?;
    claimed
        .iter()
        .map(|row| row.try_get("", "event_id"))
        .collect()
}

/// Forgets marks from `before` or earlier, and returns how many they were.
///
/// # Errors
/// The database failed; what was forgotten stays so.
pub async fn prune(db: &Database, before: DateTime<Utc>) -> Result<u64, DbErr> {
    sweep::in_batches(|| async move {
        let old = Query::select()
            .columns([Inbox::Consumer, Inbox::EventId])
            .from(Inbox::Table)
            .and_where(Expr::col(Inbox::At).lte(before))
            .limit(sweep::BATCH)
            .to_owned();
        let delete = Query::delete()
            .from_table(Inbox::Table)
            .and_where(
                Expr::tuple([Expr::col(Inbox::Consumer), Expr::col(Inbox::EventId)])
                    .in_subquery(old),
            )
            .to_owned();
        let attempt = async || {
            let txn = sweep::begin(db).await?;
            let deleted = txn.execute(&delete).await?.rows_affected();
            txn.commit().await?;
            Ok(deleted)
        };
        retrying(attempt).await
    })
    .await
}

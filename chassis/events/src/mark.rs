//! How far a consumer has come in each outbox it hears: kept in the consumer's own database, beside the effects, so
//! that a copy of it that is restored hears again what its effects do not hold.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ConnectionTrait, DbErr};
use sql::{Database, retrying};

use crate::cursor::Cursor;
use crate::schema::Marks;

/// The place up to which `consumer` has seen the outbox of `source`; none for one that never came.
///
/// # Errors
/// The database failed.
pub async fn load(
    db: &impl ConnectionTrait,
    consumer: &str,
    source: &str,
) -> Result<Option<Cursor>, DbErr> {
    let select = Query::select()
        .columns([
            Marks::Epoch,
            Marks::TransactionId,
            Marks::Position,
            Marks::At,
        ])
        .from(Marks::Table)
        .and_where(Expr::col(Marks::Consumer).eq(consumer))
        .and_where(Expr::col(Marks::Source).eq(source))
        .to_owned();
    let Some(row) = db.query_one(&select).await? else {
        return Ok(None);
    };
    let at: DateTime<Utc> = row.try_get("", "at")?;
    Ok(Some(Cursor {
        epoch: row.try_get("", "epoch")?,
        transaction_id: row.try_get("", "transaction_id")?,
        position: row.try_get("", "position")?,
        at,
    }))
}

/// Keeps the place up to which `consumer` has seen the outbox of `source`.
///
/// # Errors
/// The database failed.
pub async fn save(db: &Database, consumer: &str, source: &str, mark: Cursor) -> Result<(), DbErr> {
    let mut insert = Query::insert();
    insert
        .into_table(Marks::Table)
        .columns([
            Marks::Consumer,
            Marks::Source,
            Marks::Epoch,
            Marks::TransactionId,
            Marks::Position,
            Marks::At,
        ])
        .values_panic([
            consumer.into(),
            source.into(),
            mark.epoch.into(),
            mark.transaction_id.into(),
            mark.position.into(),
            mark.at.into(),
        ])
        .on_conflict(
            OnConflict::columns([Marks::Consumer, Marks::Source])
                .update_columns([
                    Marks::Epoch,
                    Marks::TransactionId,
                    Marks::Position,
                    Marks::At,
                ])
                .to_owned(),
        );
    let attempt = async || {
        let txn = db.begin_guarded().await?;
        txn.execute(&insert).await?;
        txn.commit().await
    };
    retrying(attempt).await
}

//! How much an outbox holds, as metrics.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SimpleExpr};
use sea_orm::{ConnectionTrait, DbErr};
use sql::Database;

use super::in_order;
use crate::schema::Outbox;

/// Sets the gauges of one outbox. Rows are counted by their positions, which takes two looks at an
/// index however many there are, and counts those too that a transaction gave up.
///
/// # Errors
/// The database failed.
pub async fn measure(db: &Database, now: DateTime<Utc>) -> Result<(), DbErr> {
    let (service, db) = (db.service(), db.read());
    // Each in a query of its own: SQLite reads the whole table for two of them in one.
    let end = |of: SimpleExpr| {
        let end = Query::select().expr(of).from(Outbox::Table).to_owned();
        SimpleExpr::SubQuery(None, Box::new(end.into()))
    };
    let span = Query::select()
        .expr_as(end(Expr::col(Outbox::Position).min()), "first")
        .expr_as(end(Expr::col(Outbox::Position).max()), "last")
        .to_owned();
    let row = db.query_one(&span).await?;
    let rows = match row {
        Some(row) => match (row.try_get("", "first")?, row.try_get("", "last")?) {
            (Some(first), Some(last)) => rows(first, last),
            (None, _) | (_, None) => 0,
        },
        None => 0,
    };
    let mut oldest = Query::select();
    oldest.column(Outbox::At).from(Outbox::Table).limit(1);
    in_order(&mut oldest, db.get_database_backend(), Order::Asc);
    let age = match db.query_one(&oldest).await? {
        Some(row) => {
            let at: DateTime<Utc> = row.try_get("", "at")?;
            (now - at).as_seconds_f64()
        }
        None => 0.0,
    };
    metrics::gauge!("outbox_rows", "service" => service)
        .set(u32::try_from(rows).unwrap_or(u32::MAX));
    metrics::gauge!("outbox_oldest_seconds", "service" => service).set(age);
    Ok(())
}

const fn rows(first: i64, last: i64) -> i64 {
    last - first + 1
}

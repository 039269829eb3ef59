//! Acting on a fact: once, however often it is delivered.

use clock::Clock;
use events::{Recorded, inbox};
use sea_orm::DbErr;
use sql::{Database, retrying};

use crate::run::{Making, Work};

/// Makes `effect` of a fact that `consumer` hears, and tells whether it was made now: a fact that was heard before has
/// no effect. That it was heard is stored in the transaction of the effect; what the effect tells has the fact's own
/// origin.
///
/// # Errors
/// That of `effect`, which stores nothing then; the database failed.
pub async fn hear<'env, E>(
    db: &Database,
    clock: &'env Clock,
    consumer: &str,
    fact: &Recorded,
    effect: impl for<'a> Fn(&'a mut Work<'env>) -> Making<'a, (), E>,
) -> Result<bool, E>
where
    E: std::error::Error + From<DbErr> + 'static,
{
    let attempt = async || {
        let mut work = Work::new(db.begin_write().await?, clock);
        if !inbox::claim(&work.txn, consumer, fact.event_id, work.now).await? {
            work.give_up().await?;
            return Ok(false);
        }
        let made = effect(&mut work).await;
        work.end(&fact.origin, made.map(|()| true)).await
    };
    retrying(attempt).await
}

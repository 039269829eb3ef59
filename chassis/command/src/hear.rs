//! Acting on facts: once, however often they are delivered.

use std::sync::Arc;

use clock::Clock;
use events::{Recorded, inbox};
use sea_orm::DbErr;
use sql::{Database, retrying};

use crate::run::{Making, Work};

/// Makes `effect` of each fact that `consumer` hears, in their order and all in one transaction, and tells of each
/// whether it was made now: a fact that was heard before has no effect. That they were heard is stored in that same
/// transaction; what the effect of a fact tells has the fact's own origin.
///
/// # Errors
/// That of the first `effect` that fails: none of the facts has one then; the database failed.
pub async fn hear<'env, E>(
    db: &Database,
    clock: &'env Clock,
    consumer: &str,
    facts: &[Arc<Recorded>],
    effect: impl for<'a> Fn(&'a mut Work<'env>, &'a Arc<Recorded>) -> Making<'a, (), E>,
) -> Result<Vec<bool>, E>
where
    E: std::error::Error + From<DbErr> + 'static,
{
    let Some(first) = facts.first() else {
        return Ok(Vec::new());
    };
    let attempt = async || {
        let mut work = Work::new(db.begin_write().await?, clock);
        let heard = hear_in(&mut work, consumer, facts, &effect).await;
        let nothing_new = heard.as_ref().is_ok_and(|heard| !heard.contains(&true));
        if nothing_new {
            work.give_up().await?;
            return heard;
        }
        work.end(&first.origin, heard).await // by now each has told what it tells
    };
    retrying(attempt).await
}

/// One attempt, up to its commit.
async fn hear_in<'env, E>(
    work: &mut Work<'env>,
    consumer: &str,
    facts: &[Arc<Recorded>],
    effect: &impl for<'a> Fn(&'a mut Work<'env>, &'a Arc<Recorded>) -> Making<'a, (), E>,
) -> Result<Vec<bool>, E>
where
    E: From<DbErr>,
{
    let ids = facts.iter().map(|fact| fact.event_id);
    let mut new = inbox::claim(&work.txn, consumer, ids, work.now).await?;
    let mut heard = Vec::with_capacity(facts.len());
    for fact in facts {
        let is_new = new.remove(&fact.event_id);
        if is_new {
            // What the one before wrote and waits for nobody: both may be about the same row.
            work.txn.caught_up().await?;
            effect(work, fact).await?;
            work.store_told(&fact.origin).await?;
        }
        heard.push(is_new);
    }
    Ok(heard)
}

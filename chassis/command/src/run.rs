//! Carrying a command out: once, whoever asks how often, and all of it or nothing.

use std::fmt;

use chrono::{DateTime, Utc};
use clock::Clock;
use events::{Fact, Origin, outbox};
use futures::future::BoxFuture;
use prost::Message;
use sea_orm::DbErr;
use sql::{Database, Fault, Transaction, fault_within, retrying};
use uuid::Uuid;

use crate::{Answer, Command, Error};

/// What an effect is made in: one transaction, at one time, with the facts that it makes true.
/// Whatever it is made of lives for `'env`.
pub struct Work<'env> {
    /// Where all is read and written.
    pub txn: Transaction,
    /// When it happens.
    pub now: DateTime<Utc>,
    clock: &'env Clock,
    facts: Vec<Fact>,
    after: Vec<Box<dyn FnOnce() + Send + Sync>>,
}

/// An effect on its way.
pub type Making<'a, T, E> = BoxFuture<'a, Result<T, E>>;

impl<'env> Work<'env> {
    pub(crate) fn new(txn: Transaction, clock: &'env Clock) -> Self {
        Self {
            txn,
            now: clock.now(),
            clock,
            facts: Vec::new(),
            after: Vec::new(),
        }
    }

    /// A new id for a thing of the service's own.
    pub fn id(&self) -> Uuid {
        self.clock.id()
    }

    /// Says what became true. Facts about one thing are told in this order.
    pub fn tell(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// Does this as soon as all is stored, and never if it is not.
    pub fn then(&mut self, act: impl FnOnce() + Send + Sync + 'static) {
        self.after.push(Box::new(act));
    }

    /// Commits what was made, or gives up what failed.
    pub(crate) async fn end<T, E>(self, origin: &Origin, made: Result<T, E>) -> Result<T, E>
    where
        E: std::error::Error + From<DbErr> + 'static,
    {
        match made {
            Ok(made) => {
                self.commit(origin).await?;
                Ok(made)
            }
            Err(error) => {
                let seen = self.give_up().await;
                if fault_within(&error) != Fault::Unavailable {
                    seen?; // else the error says more than that nothing came of what was seen
                }
                Err(error)
            }
        }
    }

    /// Makes nothing, and returns once what was read is stored for good: an answer that rests on what others changed
    /// must not be given before that is durable.
    pub(crate) async fn give_up(self) -> Result<(), DbErr> {
        self.txn.rollback().await
    }

    /// Stores what was told so far, as of that origin.
    pub(crate) async fn store_told(&mut self, origin: &Origin) -> Result<(), DbErr> {
        let facts = std::mem::take(&mut self.facts);
        outbox::push_all(&self.txn, self.clock, origin, facts).await
    }

    pub(crate) async fn commit(mut self, origin: &Origin) -> Result<(), DbErr> {
        self.store_told(origin).await?;
        self.txn.commit().await?;
        for act in self.after {
            act();
        }
        Ok(())
    }
}

/// Carries a command out and answers as `effect` does; a command that was carried out before is
/// answered as it was then.
///
/// The answer is stored under the caller's key in the transaction of the effect, see
/// [`transact`]. An effect that fails stores nothing, so whoever asks again with the same key is
/// decided anew.
///
/// # Errors
/// [`Error::KeyReused`] when the key stands for another request, [`Error::KeyPending`] when it is one of [`crate::accept`],
/// and those of [`transact`].
pub async fn run<'env, R, E>(
    db: &Database,
    clock: &'env Clock,
    command: &Command,
    effect: impl for<'a> Fn(&'a mut Work<'env>) -> Making<'a, R, E>,
) -> Result<Answer<R>, E>
where
    R: Message + Default,
    E: std::error::Error + From<Error> + From<DbErr> + 'static,
{
    let attempt = async || {
        let mut work = Work::new(db.begin_write().await?, clock);
        let answer = carry_out(&mut work, command, &effect).await;
        if answer.as_ref().is_ok_and(|answer| answer.replayed) {
            work.give_up().await?;
            return answer;
        }
        work.end(&command.origin, answer).await
    };
    retrying(attempt).await
}

/// One attempt of [`run`], up to its commit.
async fn carry_out<'env, R, E>(
    work: &mut Work<'env>,
    command: &Command,
    effect: &impl for<'a> Fn(&'a mut Work<'env>) -> Making<'a, R, E>,
) -> Result<Answer<R>, E>
where
    R: Message + Default,
    E: From<Error> + From<DbErr>,
{
    if let Some(answer) = command.claim(&work.txn, work.now).await? {
        return Ok(answer);
    }
    let response = effect(work).await?;
    Ok(command.seal(&work.txn, work.now, response).await?)
}

/// Makes an effect: what it writes and the facts that it tells are stored together, or, if it
/// fails, nothing is. While another transaction is in the way it is made anew, so it must do
/// nothing outside of its [`Work`].
///
/// # Errors
/// That of `effect`; the database failed.
pub async fn transact<'env, T, E>(
    db: &Database,
    clock: &'env Clock,
    origin: &Origin,
    effect: impl for<'a> Fn(&'a mut Work<'env>) -> Making<'a, T, E>,
) -> Result<T, E>
where
    E: std::error::Error + From<DbErr> + 'static,
{
    let attempt = async || {
        let mut work = Work::new(db.begin_write().await?, clock);
        let made = effect(&mut work).await;
        work.end(origin, made).await
    };
    retrying(attempt).await
}

/// As [`transact`], for an effect that guards its writes, see [`Database::begin_guarded`]: where it finds something
/// otherwise than it says, this fails with [`DbErr::RecordNotUpdated`], and nothing is stored.
///
/// # Errors
/// That, and those of [`transact`].
pub async fn guarded<'env, T, E>(
    db: &Database,
    clock: &'env Clock,
    origin: &Origin,
    effect: impl for<'a> Fn(&'a mut Work<'env>) -> Making<'a, T, E>,
) -> Result<T, E>
where
    E: std::error::Error + From<DbErr> + 'static,
{
    let attempt = async || {
        let mut work = Work::new(db.begin_guarded().await?, clock);
        let made = effect(&mut work).await;
        work.end(origin, made).await
    };
    retrying(attempt).await
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("txn", &self.txn)
            .field("now", &self.now)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

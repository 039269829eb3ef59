//! Commands that are stored at once and answered later: the answer is sealed under the caller's key as soon as it is
//! known, by whoever knows it then.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::Clock;
use prost::Message;
use sea_orm::{ConnectionTrait, DbErr};
use sql::idempotency::{self, Claim, Key};
use sql::{Database, Transaction, retrying_until};
use tokio::time::Instant;

use crate::{Answer, Command, Error, Making, Work};

/// How often one who waits for another's answer looks for it.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Stores what a command begins, as [`crate::run`] does, but without an answer: [`seal`] or [`Command::conclude`]
/// gives it. `None` when the command was accepted before; then [`Command::repeated`] has the answer.
///
/// Its key is most likely new, so it is claimed with the commit at first.
///
/// # Errors
/// [`Error::KeyReused`] when the key stands for another request; that of `effect`; the database failed, until then.
pub async fn accept<'env, T, E>(
    db: &Database,
    clock: &'env Clock,
    command: &Command,
    until: Instant,
    effect: impl for<'a> Fn(&'a mut Work<'env>) -> Making<'a, T, E>,
) -> Result<Option<T>, E>
where
    E: std::error::Error + From<Error> + From<DbErr> + 'static,
{
    let hoping = async || {
        let mut work = Work::new(db.begin_guarded().await?, clock);
        idempotency::claim_with_commit(&work.txn, command.key(), work.now).await?;
        let made = match effect(&mut work).await {
            Ok(made) => made,
            Err(error) => {
                work.give_up().await?;
                return Err(error);
            }
        };
        match work.commit(&command.origin).await {
            Ok(()) => Ok(Some(made)),
            Err(DbErr::RecordNotUpdated) => Ok(None),
            Err(error) => Err(E::from(error)),
        }
    };
    if let Some(made) = retrying_until(until, hoping).await? {
        return Ok(Some(made));
    }
    let looking = async || {
        let mut work = Work::new(db.begin_write().await?, clock);
        let claim = idempotency::claim(&work.txn, command.key(), work.now).await;
        let made = match claim.map_err(Error::from) {
            Ok(Claim::New) => effect(&mut work).await.map(Some),
            Ok(Claim::Pending(_) | Claim::Replay(_)) => {
                work.give_up().await?;
                return Ok(None);
            }
            Err(error) => Err(error.into()),
        };
        work.end(&command.origin, made).await
    };
    retrying_until(until, looking).await
}

/// Seals the answer to a command that was accepted at `accepted` under this key, with the commit. Another that was sealed
/// before it stays.
///
/// # Errors
/// The database failed.
pub async fn seal(
    txn: &Transaction,
    key: Option<&Key>,
    accepted: DateTime<Utc>,
    answer: &impl Message,
) -> Result<(), DbErr> {
    idempotency::seal_if_pending(txn, key, accepted, &answer.encode_to_vec()).await
}

/// What became of a command that was asked for before.
#[derive(Debug)]
pub enum Repeated<R> {
    /// This is its answer.
    Answered(Answer<R>),
    /// It was accepted then, and whoever was to answer it has not.
    Pending(DateTime<Utc>),
}

impl Command {
    /// What became of this command before; an answer that is still to come is waited for. `None` when it is new, as far
    /// as can be seen without claiming its key: it spares the work that precedes [`accept`], which alone decides.
    ///
    /// # Errors
    /// [`Error::KeyReused`] when the key stands for another request; the database failed.
    pub async fn repeated<R: Message + Default>(
        &self,
        db: &Database,
        clock: &Clock,
        until: Instant,
    ) -> Result<Option<Repeated<R>>, Error> {
        let Some(key) = self.key() else {
            return Ok(None);
        };
        loop {
            let accepted = match idempotency::look(db.read(), key, clock.now()).await? {
                None | Some(Claim::New) => return Ok(None),
                Some(Claim::Replay(bytes)) => {
                    let answer = Answer::replay(db.service(), &bytes)?;
                    return Ok(Some(Repeated::Answered(answer)));
                }
                Some(Claim::Pending(accepted)) => accepted,
            };
            if Instant::now() + LOOK_EVERY > until {
                return Ok(Some(Repeated::Pending(accepted)));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Answers a command that was accepted at `accepted` with what `answer` says now, and seals that; if another was
    /// sealed meanwhile, with that one. Whether that repeats an answer, the caller knows.
    ///
    /// # Errors
    /// That of `answer`; the database failed, until then.
    pub async fn conclude<R, E>(
        &self,
        db: &Database,
        accepted: DateTime<Utc>,
        until: Instant,
        answer: impl for<'a> Fn(&'a Transaction) -> Making<'a, R, E>,
    ) -> Result<Answer<R>, E>
    where
        R: Message + Default,
        E: std::error::Error + From<Error> + From<DbErr> + 'static,
    {
        let attempt = async || {
            let txn = db.begin_write().await?;
            let response = match answer(&txn).await {
                Ok(response) => response,
                Err(error) => {
                    txn.rollback().await?;
                    return Err(error);
                }
            };
            let bytes = response.encode_to_vec();
            match idempotency::seal(&txn, self.key(), accepted, &bytes).await {
                Ok(()) => {
                    txn.commit().await?;
                    Ok(Answer::new(response))
                }
                Err(DbErr::RecordNotUpdated) => {
                    let sealed = self.sealed(&txn, accepted).await?;
                    txn.rollback().await?;
                    Ok(sealed.unwrap_or_else(|| Answer::new(response)))
                }
                Err(error) => Err(E::from(error)),
            }
        };
        retrying_until(until, attempt).await
    }

    /// What is sealed under the key, by somebody faster.
    async fn sealed<R: Message + Default>(
        &self,
        db: &impl ConnectionTrait,
        accepted: DateTime<Utc>,
    ) -> Result<Option<Answer<R>>, Error> {
        let Some(key) = self.key() else {
            return Ok(None);
        };
        let bytes = idempotency::answer(db, key, accepted).await?;
        Ok(bytes
            .map(|bytes| R::decode(bytes.as_slice()))
            .transpose()?
            .map(Answer::new))
    }
}

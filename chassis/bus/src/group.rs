//! A consumer: which facts a service hears under one name, and what it does about each.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::Clock;
use command::{Making, Work};
use events::Recorded;
use futures::FutureExt;
use futures::future::BoxFuture;
use proto::Fact;
use sea_orm::DbErr;
use sql::{Database, Fault, fault_within};

/// How long one fact may take; each of its statements has a bound of its own, and a shorter one.
const TIME_MAX: Duration = Duration::from_secs(30);

/// Where a group begins that never heard anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest fact that is kept.
    Earliest,
    /// With what becomes true from now on.
    Latest,
}

/// A fact, to whoever hears it.
#[derive(Clone, Debug)]
pub struct Told<F> {
    /// What became true.
    pub fact: F,
    /// Its number among the facts about its thing, from 1 and without a gap.
    pub version: i64,
    /// When it became true.
    pub at: DateTime<Utc>,
    /// Whether test traffic made it true.
    pub synthetic: bool,
}

/// The facts that a service hears under one name.
pub struct Group {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
    pub(crate) db: Database,
    pub(crate) clock: Clock,
    pub(crate) hears: Vec<Hears>,
}

/// One topic of one service, and what is done about its facts.
pub(crate) struct Hears {
    pub source: &'static str,
    pub topic: &'static str,
    pub act: Act,
}

/// Acts on a fact, and tells whether it had not been acted on before.
pub(crate) type Act =
    Arc<dyn Fn(Arc<Recorded>) -> BoxFuture<'static, Result<bool, Failure>> + Send + Sync>;

/// Why a fact was not acted on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The group's own database did not do it, or not in time: perhaps it is away, and the fact has nothing to do with it.
    Away(String),
    /// What was to be done about this fact failed.
    Failed(String),
}

impl Group {
    /// A group of that name, which acts on `db` and hears nothing yet. Its name is what its service's database knows it
    /// by: under another it begins anew.
    pub fn new(name: &'static str, start: Start, db: &Database, clock: &Clock) -> Self {
        Self {
            name,
            start,
            db: db.clone(),
            clock: clock.clone(),
            hears: Vec::new(),
        }
    }

    /// Hears what `source` tells of `F`, and does `effect` about each: in one transaction of this group's database, and
    /// nowhere else, since it is done anew while another transaction is in the way. An effect that fails is tried again,
    /// and in the end left as a dead letter. A group that hears of a topic only later hears it from where it is then.
    #[must_use]
    pub fn hears<F, E>(
        mut self,
        source: &'static str,
        effect: impl for<'a, 'e> Fn(&'a mut Work<'e>, Told<F>) -> Making<'a, (), E>
        + Send
        + Sync
        + 'static,
    ) -> Self
    where
        F: Fact + Clone + Send + Sync + 'static,
        E: Error + From<DbErr> + Send + 'static,
    {
        let (name, db, clock) = (self.name, self.db.clone(), self.clock.clone());
        let effect = Arc::new(effect);
        let act = move |recorded: Arc<Recorded>| {
            let (db, clock, effect) = (db.clone(), clock.clone(), effect.clone());
            let acting = async move {
                let fact = F::decode(&recorded.data[..]);
                let told = Told {
                    fact: fact.map_err(|error| Failure::Failed(error.to_string()))?,
                    version: recorded.version,
                    at: recorded.at,
                    synthetic: recorded.origin.synthetic,
                };
                let heard = command::hear(&db, &clock, name, &recorded, |work| {
                    effect(work, told.clone())
                });
                heard.await.map_err(|error: E| Failure::of(&error))
            };
            bounded(acting).boxed()
        };
        self.hears.push(Hears {
            source,
            topic: F::TOPIC,
            act: Arc::new(act),
        });
        self
    }
}

impl Failure {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let cause = call::error::chain(error);
        match fault_within(error) {
            Fault::Unavailable | Fault::Retry => Self::Away(cause),
            Fault::Unique { .. } | Fault::Other => Self::Failed(cause),
        }
    }
}

/// A panic and a wait without an end are failures like others.
async fn bounded(
    acting: impl Future<Output = Result<bool, Failure>> + Send,
) -> Result<bool, Failure> {
    let acting = AssertUnwindSafe(acting).catch_unwind();
    match tokio::time::timeout(TIME_MAX, acting).await {
        Ok(Ok(acted)) => acted,
        Ok(Err(_)) => Err(Failure::Failed("it panicked".to_owned())),
        Err(_) => Err(Failure::Away(format!(
            "it took longer than {} s",
            TIME_MAX.as_secs()
        ))),
    }
}

//! A consumer: which facts a service hears under one name, and what it does about each.

use std::error::Error;
use std::fmt;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::Clock;
use command::{Making, Work};
use events::Recorded;
use futures::FutureExt;
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

/// Acts on a fact.
pub(crate) type Act = Arc<
    dyn for<'a, 'e> Fn(&'a mut Work<'e>, &'a Arc<Recorded>) -> Making<'a, (), Undone> + Send + Sync,
>;

/// What an effect failed at, whatever its service calls that.
#[derive(Debug)]
pub(crate) struct Undone(Box<dyn Error + Send + Sync>);

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

    /// Hears what `source` tells of `F`, and does `effect` about each: in a transaction of this group's database, and
    /// nowhere else, since it is done anew while another transaction is in the way, or where the effect of another fact
    /// failed that shared the transaction. An effect that fails is tried again,
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
        E: Error + From<DbErr> + Send + Sync + 'static,
    {
        let act = acting(move |work, recorded| {
            let fact = match F::decode(&recorded.data[..]) {
                Ok(fact) => fact,
                Err(error) => return ready(Err(Undone(error.into()))).boxed(),
            };
            let told = Told {
                fact,
                version: recorded.version,
                at: recorded.at,
                synthetic: recorded.origin.synthetic,
            };
            let made = effect(work, told);
            made.map(|made| made.map_err(|error: E| Undone(error.into())))
                .boxed()
        });
        self.hears.push(Hears {
            source,
            topic: F::TOPIC,
            act,
        });
        self
    }
}

/// Only here for its type: who is given a closure says what it is for every lifetime.
fn acting(
    act: impl for<'a, 'e> Fn(&'a mut Work<'e>, &'a Arc<Recorded>) -> Making<'a, (), Undone>
    + Send
    + Sync
    + 'static,
) -> Act {
    Arc::new(act)
}

impl Undone {
    /// The effect cannot be made, and why.
    pub fn because(cause: String) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the effect of a fact was not made")
    }
}

impl Error for Undone {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

impl From<DbErr> for Undone {
    fn from(error: DbErr) -> Self {
        Self(error.into())
    }
}

impl From<Undone> for Failure {
    fn from(Undone(error): Undone) -> Self {
        let cause = call::error::chain(&*error);
        match fault_within(&*error) {
            Fault::Unavailable | Fault::Retry => Self::Away(cause),
            Fault::Unique { .. } | Fault::Other => Self::Failed(cause),
        }
    }
}

/// A panic and a wait without an end are failures like others.
pub(crate) async fn bounded<T>(
    acting: impl Future<Output = Result<T, Undone>> + Send,
) -> Result<T, Failure> {
    let acting = AssertUnwindSafe(acting).catch_unwind();
    match tokio::time::timeout(TIME_MAX, acting).await {
        Ok(Ok(acted)) => acted.map_err(Failure::from),
        Ok(Err(_)) => Err(Failure::Failed("it panicked".to_owned())),
        Err(_) => Err(Failure::Away(format!(
            "it took longer than {} s",
            TIME_MAX.as_secs()
        ))),
    }
}

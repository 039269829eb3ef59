//! One group on one outbox: reads it in order, acts on what the group hears, and keeps how far it came.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use events::{Cursor, Extent, Recorded, mark, outbox, parked};
use futures::stream::{self, StreamExt, TryStreamExt};
use sea_orm::DbErr;
use sql::{Database, Engine};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::group::{Act, Failure, Group, Start};
use crate::heard::Places;
use crate::tries;

/// Facts read at once.
const BATCH: u64 = 500;
/// Things acted on side by side.
const AT_ONCE: usize = 16;
/// How long a fact may go unnoticed that another process committed. Only PostgreSQL has others.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the place is kept though nothing was heard, and what waits aside is looked for.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// How soon it goes on after its database, or that of the source, was away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct Follower {
    places: Arc<Places>,
    group: Arc<Group>,
    source: Database,
    topics: Vec<&'static str>,
}

/// What stops a follower for a moment.
#[derive(Debug)]
struct Away(String);

impl From<DbErr> for Away {
    fn from(error: DbErr) -> Self {
        Self(call::error::chain(&error))
    }
}

/// Where a follower is.
struct Place {
    /// It acted on everything up to here.
    mark: Cursor,
    /// What of that is kept.
    kept: Option<Cursor>,
    kept_at: Instant,
    /// Things about which facts wait aside.
    blocked: HashSet<String>,
    /// When the first of them is due.
    due: Option<DateTime<Utc>>,
}

impl Follower {
    pub fn new(
        places: Arc<Places>,
        group: Arc<Group>,
        source: Database,
        topics: Vec<&'static str>,
    ) -> Self {
        Self {
            places,
            group,
            source,
            topics,
        }
    }

    /// Follows until `shutdown`, whatever fails meanwhile.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut told = false;
        loop {
            let followed = shutdown.run_until_cancelled(self.follow(&mut told)).await;
            let Some(Err(Away(cause))) = followed else {
                return;
            };
            if !std::mem::replace(&mut told, true) {
                let (service, group) = (self.group.db.service(), self.group.name);
                let source = self.source.service();
                tracing::warn!(service, group, source, cause, "Facts cannot be heard now");
            }
            let pause = shutdown.run_until_cancelled(tokio::time::sleep(RETRY_AFTER));
            if pause.await.is_none() {
                return;
            }
        }
    }

    /// Follows until something is away.
    async fn follow(&self, told: &mut bool) -> Result<(), Away> {
        let mut committed = self.source.committed();
        let look_every = match self.source.engine() {
            Engine::Sqlite => KEEP_EVERY,
            Engine::Postgres => LOOK_EVERY,
        };
        let mut place = self.begin().await?;
        loop {
            committed.mark_unchanged();
            let more = self.look(&mut place).await?;
            *told = false;
            if more {
                continue;
            }
            let due = place.due.map(|due| due - self.group.clock.now());
            let due = due.map(|due| due.to_std().unwrap_or_default());
            let pause = due.map_or(look_every, |due| due.min(look_every));
            tokio::select! {
                Ok(()) = committed.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Finds where the group left off, or where it is to begin.
    async fn begin(&self) -> Result<Place, Away> {
        let (db, source) = (&self.group.db, self.source.service());
        let mark = mark::load(db.read(), self.group.name, source).await?;
        let extent = outbox::extent(&self.source).await?;
        let now = self.group.clock.now();
        let place = match mark {
            Some(mark) if extent.holds(mark) => mark,
            Some(_) => self.lost(&extent),
            None => match self.group.start {
                Start::Earliest => extent.begin(now),
                Start::Latest => extent.end(now),
            },
        };
        let mut place = Place {
            mark: place,
            kept: None,
            kept_at: Instant::now(),
            blocked: HashSet::new(),
            due: None,
        };
        self.keep(&mut place).await?;
        self.look_aside(&mut place).await?;
        Ok(place)
    }

    /// Where to go on when what came after the mark may be gone, or is of another history: from the beginning, since
    /// what was heard already has no effect again.
    fn lost(&self, extent: &Extent) -> Cursor {
        let (service, group) = (self.group.db.service(), self.group.name);
        let source = self.source.service();
        tracing::warn!(
            service,
            group,
            source,
            "The outbox of {source} is another than it was, or was pruned too early: it is heard from its beginning"
        );
        extent.begin(self.group.clock.now())
    }

    /// Acts on what is new, and tells whether there may be more.
    async fn look(&self, place: &mut Place) -> Result<bool, Away> {
        let now = self.group.clock.now();
        let extent = outbox::extent(&self.source).await?;
        if !extent.holds(place.mark) {
            place.mark = self.lost(&extent);
        }
        let facts = outbox::page_of(self.source.read(), &self.topics, place.mark, BATCH).await?;
        let more = facts.len() as u64 == BATCH;
        let lag = facts
            .first()
            .map_or(0.0, |first| (now - first.at).as_seconds_f64());
        let labels = [
            ("service", self.group.db.service()),
            ("group", self.group.name),
            ("source", self.source.service()),
        ];
        metrics::gauge!("consumer_lag_seconds", &labels).set(lag);
        let last = facts.last().map_or(place.mark, |last| last.cursor);
        let reached = match more {
            true => last,
            false => last.later(extent.end(now)), // read before the facts, so none before it is missing
        };
        let heard = !facts.is_empty();
        self.deliver(facts, place).await?;
        place.mark = reached;
        if heard || place.kept_at.elapsed() >= KEEP_EVERY {
            self.keep(place).await?;
        }
        let is_due = place.due.is_some_and(|due| due <= self.group.clock.now());
        if is_due || place.kept_at.elapsed() >= KEEP_EVERY {
            self.try_again(place).await?;
        }
        Ok(more)
    }

    /// Keeps how far it came, and says so to who prunes the outbox.
    async fn keep(&self, place: &mut Place) -> Result<(), Away> {
        place.kept_at = Instant::now();
        if place.kept.is_some_and(|kept| kept.is_at(place.mark)) {
            return Ok(());
        }
        let (group, source) = (self.group.name, self.source.service());
        mark::save(&self.group.db, group, source, place.mark).await?;
        place.kept = Some(place.mark);
        self.places.note(source, group, place.mark);
        Ok(())
    }

    /// Acts on facts: those about one thing in their order, of several things side by side.
    async fn deliver(&self, facts: Vec<Recorded>, place: &mut Place) -> Result<(), Away> {
        let mut things: Vec<Vec<Arc<Recorded>>> = Vec::new();
        let mut at: HashMap<String, usize> = HashMap::new();
        for fact in facts {
            let next = things.len();
            let index = *at.entry(fact.key.clone()).or_insert(next);
            if index == next {
                things.push(Vec::new());
            }
            things[index].push(Arc::new(fact));
        }
        let blocked = &place.blocked;
        let newly: Vec<Option<String>> = stream::iter(things)
            .map(|facts| self.hear_all(facts, blocked))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let newly: Vec<String> = newly.into_iter().flatten().collect();
        if !newly.is_empty() {
            place.blocked.extend(newly);
            self.look_aside(place).await?;
        }
        Ok(())
    }

    /// Acts on facts about one thing, and returns it if facts about it wait aside from now on.
    async fn hear_all(
        &self,
        facts: Vec<Arc<Recorded>>,
        blocked: &HashSet<String>,
    ) -> Result<Option<String>, Away> {
        let was_blocked = facts
            .first()
            .is_some_and(|fact| blocked.contains(&fact.key));
        let mut is_blocked = was_blocked;
        let mut key = None;
        for fact in facts {
            let failed = match is_blocked {
                true => Some((0, Some(self.group.clock.now()), String::new())),
                false => match self.hear(&fact).await {
                    Ok(()) => None,
                    Err(Failure::Away(cause)) => return Err(Away(cause)),
                    Err(Failure::Failed(cause)) => {
                        Some((1, tries::next(1, &self.group.clock), cause))
                    }
                },
            };
            if let Some((tries, next_at, cause)) = failed {
                self.count(&fact.topic, "parked");
                let fact = (*fact).clone();
                key = Some(fact.key.clone());
                let aside = parked::Parked {
                    fact,
                    tries,
                    next_at,
                    cause,
                };
                parked::park(&self.group.db, self.group.name, &aside).await?;
                is_blocked = true;
            }
        }
        Ok(key.filter(|_| !was_blocked))
    }

    async fn hear(&self, fact: &Arc<Recorded>) -> Result<(), Failure> {
        let Some(act) = self.act(&fact.topic) else {
            return Ok(()); // it was parked by a version that heard it
        };
        let first = act(fact.clone()).await?;
        self.count(&fact.topic, if first { "heard" } else { "repeated" });
        Ok(())
    }

    fn act(&self, topic: &str) -> Option<&Act> {
        let source = self.source.service();
        let mut hears = self.group.hears.iter();
        let found = hears.find(|hears| hears.source == source && hears.topic == topic)?;
        Some(&found.act)
    }

    /// Tries what waits aside and is due, until nothing is.
    async fn try_again(&self, place: &mut Place) -> Result<(), Away> {
        let (db, group, source) = (&self.group.db, self.group.name, self.source.service());
        loop {
            let now = self.group.clock.now();
            let heads = parked::heads(db.read(), group, source).await?;
            let due = heads
                .into_iter()
                .filter(|head| head.next_at.is_some_and(|next_at| next_at <= now));
            let due: Vec<parked::Parked> = due.collect();
            if due.is_empty() {
                break;
            }
            stream::iter(due)
                .map(|head| self.try_once_more(head))
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
        }
        self.look_aside(place).await
    }

    async fn try_once_more(&self, mut head: parked::Parked) -> Result<(), Away> {
        let (db, group) = (&self.group.db, self.group.name);
        let fact = Arc::new(head.fact.clone());
        match self.hear(&fact).await {
            Ok(()) => Ok(parked::done(db, group, fact.event_id).await?),
            Err(Failure::Away(cause)) => Err(Away(cause)),
            Err(Failure::Failed(cause)) => {
                head.tries += 1;
                head.next_at = tries::next(head.tries, &self.group.clock);
                head.cause = cause;
                if head.next_at.is_none() {
                    self.count(&fact.topic, "dead");
                    tracing::warn!(
                        service = db.service(),
                        group,
                        topic = fact.topic,
                        event_id = %fact.event_id,
                        correlation_id = fact.origin.correlation_id,
                        cause = head.cause,
                        "A fact is a dead letter: the last try failed"
                    );
                }
                Ok(parked::failed(db, group, &head).await?)
            }
        }
    }

    /// Sees what waits aside, and when the first of it is due.
    async fn look_aside(&self, place: &mut Place) -> Result<(), Away> {
        let (db, group, source) = (&self.group.db, self.group.name, self.source.service());
        place.blocked = parked::keys(db.read(), group, source).await?;
        place.due = match place.blocked.is_empty() {
            true => None,
            false => {
                let heads = parked::heads(db.read(), group, source).await?;
                heads.iter().filter_map(|head| head.next_at).min()
            }
        };
        let dead = parked::dead(db.read(), group).await?;
        let labels = [("service", db.service()), ("group", group)];
        metrics::gauge!("dead_letters", &labels).set(u32::try_from(dead).unwrap_or(u32::MAX));
        Ok(())
    }

    fn count(&self, topic: &str, result: &'static str) {
        let labels = [
            ("service", self.group.db.service().to_owned()),
            ("group", self.group.name.to_owned()),
            ("topic", topic.to_owned()),
            ("result", result.to_owned()),
        ];
        metrics::counter!("facts_heard_total", &labels).increment(1);
    }
}

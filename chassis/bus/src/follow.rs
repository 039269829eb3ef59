//! One group on one source: reads it in order, acts on what the group hears, and keeps how far it came.
//!
//! What is new and what waits aside are worked off side by side, so that neither holds up the other.

mod acting;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use events::{Cursor, Extent, Recorded, mark, parked};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::away::{self, Away, Condition};
use crate::group::{Failure, Group, Start};
use crate::source::{Log, Source};
use crate::tries;

/// Things acted on side by side, each by itself.
const AT_ONCE: usize = 16;
/// Facts acted on in one transaction: so few that it holds up no other writer for long.
const TOGETHER: usize = 50;
/// How soon it is kept though nothing was heard.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// How long a fact may wait aside unnoticed that another process put there, or made due.
const LOOK_ASIDE_EVERY: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct Follower {
    group: Arc<Group>,
    source: Source,
    topics: Vec<&'static str>,
    condition: Condition,
    /// Things about which facts wait aside. It is locked while that of a thing changes.
    blocked: Mutex<HashSet<String>>,
    /// Something was put aside.
    aside: Notify,
    /// How often in a row the database did not do what a fact asks.
    undone: Mutex<HashMap<Uuid, u32>>,
}

/// Where a follower is.
struct Place {
    /// It acted on everything up to here.
    mark: Cursor,
    /// What of that is kept.
    kept: Option<Cursor>,
    /// When the rest is to be kept.
    keep_at: Option<Instant>,
}

impl Follower {
    pub fn new(
        group: Arc<Group>,
        source: Source,
        topics: Vec<&'static str>,
        condition: Condition,
    ) -> Self {
        Self {
            group,
            source,
            topics,
            condition,
            blocked: Mutex::default(),
            aside: Notify::new(),
            undone: Mutex::default(),
        }
    }

    /// Follows until `shutdown`, whatever fails meanwhile.
    pub async fn run(self, shutdown: CancellationToken) {
        let (service, group) = (self.group.db.service(), self.group.name);
        let source = self.source.service();
        let follow = || Box::pin(self.follow());
        let tell = |cause: &str| {
            tracing::warn!(service, group, source, cause, "Facts cannot be heard now");
        };
        away::until(&shutdown, (&self.condition, source), follow, tell).await;
    }

    /// Follows until something is away.
    async fn follow(&self) -> Result<Infallible, Away> {
        let log = self.source.log().await?;
        let place = self.begin(&log).await?;
        self.condition.goes_on(self.source.service());
        let (never, _) = tokio::try_join!(self.hear_new(&log, place), self.hear_aside())?;
        Ok(never)
    }

    /// Finds where the group left off, or where it is to begin.
    async fn begin(&self, log: &Log) -> Result<Place, Away> {
        let (db, source) = (&self.group.db, self.source.service());
        let mark = mark::load(db.read(), self.group.name, source).await?;
        let extent = log.extent().await?;
        let now = self.group.clock.now();
        let place = match mark {
            Some(mark) if extent.holds(mark) && log.remembers(mark).await? => mark,
            Some(_) => self.lost(&extent),
            None => match self.group.start {
                Start::Earliest => extent.begin(now),
                Start::Latest => extent.end(now),
            },
        };
        let keys = parked::keys(db.read(), self.group.name, source).await?;
        *self.blocked.lock().await = keys;
        let mut place = Place {
            mark: place,
            kept: None,
            keep_at: None,
        };
        self.keep(log, &mut place).await?;
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
            "What {source} told is another than it was, or was pruned too early: it is heard from its beginning"
        );
        extent.begin(self.group.clock.now())
    }

    /// Acts on whatever comes.
    async fn hear_new(&self, log: &Log, mut place: Place) -> Result<Infallible, Away> {
        let labels = [
            ("service", self.group.db.service()),
            ("group", self.group.name),
            ("source", self.source.service()),
        ];
        let lag = metrics::gauge!("consumer_lag_seconds", &labels);
        let mut reader = log.reader(&self.topics, &self.group.clock);
        loop {
            let next = reader.next(place.mark);
            let page = match place.keep_at {
                None => next.await?,
                Some(keep_at) => match tokio::time::timeout_at(keep_at, next).await {
                    Ok(page) => page?,
                    Err(_) => {
                        self.keep(log, &mut place).await?;
                        continue;
                    }
                },
            };
            let first = page.facts.first().map(|first| first.at);
            if let Some(first) = first {
                lag.set((self.group.clock.now() - first).as_seconds_f64());
            }
            self.deliver(page.facts).await?;
            lag.set(0.0);
            place.mark = page.up_to;
            let now = Instant::now();
            let keep_at = now + first.map_or(KEEP_EVERY, |_| log.keep_after());
            let keep_at = place.keep_at.map_or(keep_at, |at| at.min(keep_at));
            place.keep_at = Some(keep_at);
            if keep_at <= now {
                self.keep(log, &mut place).await?; // however much comes
            }
        }
    }

    /// Keeps how far it came, and says so to who prunes the outbox.
    async fn keep(&self, log: &Log, place: &mut Place) -> Result<(), Away> {
        place.keep_at = None;
        if place.kept.is_some_and(|kept| kept.is_at(place.mark)) {
            return Ok(());
        }
        let (group, source) = (self.group.name, self.source.service());
        mark::save(&self.group.db, group, source, place.mark).await?;
        place.kept = Some(place.mark);
        log.note(group, place.mark).await
    }

    /// Acts on facts: those about one thing in their order, of several things in any.
    async fn deliver(&self, facts: Vec<Recorded>) -> Result<(), Away> {
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
        let mut some: Vec<Vec<Vec<Arc<Recorded>>>> = Vec::new();
        let mut room = 0;
        for facts in things {
            if facts.len() > room || some.is_empty() {
                some.push(Vec::new());
                room = TOGETHER;
            }
            room = room.saturating_sub(facts.len());
            some.last_mut().expect("it was pushed").push(facts);
        }
        // One after another: facts about different things may change the same rows, and would hold up each other.
        for things in some {
            self.hear_some(things).await?;
        }
        Ok(())
    }

    /// Acts on facts about some things: together if that does it, else each by itself, since one that fails takes no
    /// other with it.
    async fn hear_some(&self, things: Vec<Vec<Arc<Recorded>>>) -> Result<(), Away> {
        if self.hear_together(&things.concat()).await {
            return Ok(());
        }
        stream::iter(things)
            .map(|facts| self.hear_all(facts))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Acts on facts in one transaction, and tells whether that is done. Where facts wait aside it is not tried.
    async fn hear_together(&self, facts: &[Arc<Recorded>]) -> bool {
        let blocked = self.blocked.lock().await;
        let is_free = facts.iter().all(|fact| !blocked.contains(&fact.key));
        drop(blocked);
        if facts.len() < 2 || !is_free {
            return false;
        }
        let began = Instant::now();
        let Ok(heard) = self.act(facts).await else {
            return false;
        };
        let share = began.elapsed() / u32::try_from(facts.len()).unwrap_or(u32::MAX);
        for (fact, is_new) in facts.iter().zip(heard) {
            let noting = self.heard(fact, is_new, share);
            telemetry::within(Some(self.ids(fact)), noting).await;
        }
        true
    }

    /// Acts on facts about one thing.
    async fn hear_all(&self, facts: Vec<Arc<Recorded>>) -> Result<(), Away> {
        for fact in facts {
            if self.waits_behind(&fact).await? {
                continue;
            }
            match self.hear(&fact).await {
                Ok(()) => {}
                Err(Failure::Away(cause)) => return Err(Away(cause)),
                Err(Failure::Failed(cause)) => {
                    let mut blocked = self.blocked.lock().await;
                    self.park(&fact, 1, cause).await?;
                    blocked.insert(fact.key.clone());
                }
            }
        }
        Ok(())
    }

    /// Puts a fact aside if others about its thing wait there.
    async fn waits_behind(&self, fact: &Recorded) -> Result<bool, Away> {
        let blocked = self.blocked.lock().await;
        let waits = blocked.contains(&fact.key);
        if waits {
            self.park(fact, 0, String::new()).await?;
        }
        Ok(waits)
    }

    async fn park(&self, fact: &Recorded, tries: u32, cause: String) -> Result<(), Away> {
        self.count(&fact.topic, "parked");
        let next_at = match tries {
            0 => Some(self.group.clock.now()),
            _ => tries::next(tries, &self.group.clock),
        };
        let aside = parked::Parked {
            fact: fact.clone(),
            tries,
            next_at,
            cause,
        };
        parked::park(&self.group.db, self.group.name, &aside).await?;
        self.aside.notify_one();
        Ok(())
    }

    /// Tries what waits aside, whenever it is due.
    async fn hear_aside(&self) -> Result<Infallible, Away> {
        let (db, group, source) = (&self.group.db, self.group.name, self.source.service());
        loop {
            let now = self.group.clock.now();
            let heads = parked::heads(db.read(), group, source).await?;
            // What another process put aside is noticed here too.
            let keys = heads.iter().map(|head| head.fact.key.clone());
            self.blocked.lock().await.extend(keys);
            let next = heads.iter().filter_map(|head| head.next_at).min();
            let is_due = |head: &parked::Parked| head.next_at.is_some_and(|next_at| next_at <= now);
            let due: Vec<parked::Parked> = heads.into_iter().filter(is_due).collect();
            if !due.is_empty() {
                stream::iter(due)
                    .map(|head| self.try_again(head))
                    .buffer_unordered(AT_ONCE)
                    .try_collect::<()>()
                    .await?;
                continue;
            }
            let dead = parked::dead(db.read(), group).await?;
            let labels = [("service", db.service()), ("group", group)];
            metrics::gauge!("dead_letters", &labels).set(u32::try_from(dead).unwrap_or(u32::MAX));
            let until = next.and_then(|next| (next - now).to_std().ok());
            let pause = until.map_or(LOOK_ASIDE_EVERY, |until| until.min(LOOK_ASIDE_EVERY));
            tokio::select! {
                () = self.aside.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tries the first of the facts about a thing that wait aside.
    async fn try_again(&self, mut head: parked::Parked) -> Result<(), Away> {
        let (db, group, source) = (&self.group.db, self.group.name, self.source.service());
        let fact = Arc::new(head.fact.clone());
        match self.hear(&fact).await {
            Ok(()) => parked::done(db, group, fact.event_id).await?,
            Err(Failure::Away(cause)) => return Err(Away(cause)),
            Err(Failure::Failed(cause)) => {
                head.tries += 1;
                head.next_at = tries::next(head.tries, &self.group.clock);
                head.cause = cause;
                parked::failed(db, group, &head).await?;
                if head.next_at.is_some() {
                    return Ok(());
                }
                self.give_up(&head);
            }
        }
        let mut blocked = self.blocked.lock().await;
        if !parked::waits(db.read(), group, source, &fact.key).await? {
            blocked.remove(&fact.key);
        }
        Ok(())
    }

    fn give_up(&self, dead: &parked::Parked) {
        self.count(&dead.fact.topic, "dead");
        tracing::warn!(
            service = self.group.db.service(),
            group = self.group.name,
            topic = dead.fact.topic,
            event_id = %dead.fact.event_id,
            correlation_id = dead.fact.origin.correlation_id,
            cause = dead.cause,
            "A fact is a dead letter: the last try failed"
        );
    }
}

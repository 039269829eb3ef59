//! Carries sagas on: a task per order asks the peer, writes what it answered, and asks the next.
//!
//! A task belongs to no request, so a client that leaves stops nothing. What it knows is what is
//! written; killed anywhere, the saga is found again by its lease and goes on from there. The lease
//! saves work, no more: two drivers at once write by revision, and what they ask for has one effect per
//! order. `leases` keeps it for as long as a task is there, whatever that waits for.

pub(super) mod leases;

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use call::Scope;
use chrono::{DateTime, Utc};
use clock::Clock;
use futures::FutureExt;
use futures::future::BoxFuture;
use sea_orm::DbErr;
use sql::{Database, Engine, Fault, fault};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use crate::answer::CreateOrderAnswer;
use crate::domain::id::OrderId;
use crate::error::Error;
use crate::saga::call::Callees;
use crate::saga::change::{Occasion, change};
use crate::saga::checkout::{Event, Rules};
use crate::saga::fail_point::{FailPoint, FailPoints, Fate};
use crate::saga::record::{Lease, Record};
use crate::saga::stuck::Stuck;
use crate::saga::task::Task;
use crate::store::{self, saga::Orphan};

/// Sagas that one process drives at once; more wait in the database until there is room.
const DRIVEN_MAX: usize = 4096;
/// Orphans taken over at a time.
const ORPHANS_MAX: u64 = 200;
/// How long the stuck ones are tried again before the others are looked for once more.
const AGAIN_MAX: Duration = Duration::from_secs(2);
/// How often orphans are looked for.
const SCAN_EVERY: Duration = Duration::from_millis(500);
/// What sagas under way get to come to a resting place when the process stops.
const DRAIN_MAX: Duration = Duration::from_secs(8);

/// Drives sagas; clones share it.
#[derive(Clone)]
pub struct Driver(Arc<Inner>);

/// What a driver needs.
pub struct Parts {
    /// Where sagas are written.
    pub db: Database,
    /// The time.
    pub clock: Clock,
    /// Whom they ask.
    pub callees: Callees,
    /// The numbers of the core.
    pub rules: Rules,
    /// Where tests kill it.
    pub fail_points: FailPoints,
}

struct Inner {
    parts: Parts,
    id: Uuid,
    driven: Mutex<HashMap<OrderId, Driven>>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    dead: CancellationToken,
}

/// What others know of a running task.
struct Driven {
    /// The saga was changed by somebody else: read it again.
    stale: bool,
    /// What this driver knows to have, by what it wrote or read.
    lease: Option<Lease>,
    wake: Arc<Notify>,
    answer: PendingAnswer,
}

/// The answer of CreateOrder, once it is known; closed when this process gave the saga up.
pub type PendingAnswer = watch::Receiver<Option<CreateOrderAnswer>>;

impl Driver {
    /// A driver that nothing is given to yet.
    pub fn new(parts: Parts) -> Self {
        let id = parts.clock.id();
        let (driven, tasks) = (Mutex::default(), TaskTracker::new());
        let (stopping, dead) = (CancellationToken::new(), CancellationToken::new());
        Self(Arc::new(Inner {
            parts,
            id,
            driven,
            tasks,
            stopping,
            dead,
        }))
    }

    /// The name it writes into leases.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// The rules it drives by.
    pub fn rules(&self) -> &Rules {
        &self.0.parts.rules
    }

    /// Cancelled when a test has killed it: nothing of it may go on.
    pub fn dead(&self) -> &CancellationToken {
        &self.0.dead
    }

    /// Sees a saga through that has just been written under this driver's lease. If it is at work on the
    /// order already, it reads it again. None if it is full or stopping: the saga is found by its lease.
    pub fn drive(&self, record: Record) -> Option<PendingAnswer> {
        let id = record.order.id;
        let mut driven = self.driven();
        if let Some(known) = driven.get_mut(&id) {
            known.stale = true;
            known.wake.notify_one();
            return Some(known.answer.clone());
        }
        if driven.len() >= DRIVEN_MAX
            || self.0.stopping.is_cancelled()
            || self.0.dead.is_cancelled()
        {
            return None;
        }
        let (tell, answer) = watch::channel(None);
        let wake = Arc::new(Notify::new());
        driven.insert(
            id,
            Driven {
                stale: false,
                lease: record.saga.lease,
                wake: Arc::clone(&wake),
                answer: answer.clone(),
            },
        );
        drop(driven);
        let origin = &record.saga.origin;
        let span = tracing::info_span!(
            "checkout",
            service = "order",
            order.id = %id,
            correlation_id = %origin.correlation_id,
            trace_id = telemetry::TraceContext::parse(&origin.traceparent).map(|trace| trace.trace_id_hex()),
        );
        let task = Task::new(self.clone(), record, tell, wake);
        let driver = self.clone();
        let run = async move { driver.mortal(task.run().boxed()).await };
        self.0.tasks.spawn(run.instrument(span));
        Some(answer)
    }

    /// Takes over what crashed drivers left, now and whenever more is found, until `shutdown`; then lets
    /// what is under way come to a resting place. Leases are kept until the end.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = self.carry_on(&shutdown) => {}
            () = self.keep_leases() => {}
        }
    }

    async fn carry_on(&self, shutdown: &CancellationToken) {
        let mut alone = self.0.parts.db.engine() == Engine::Sqlite;
        let mut stuck = Stuck::default();
        while !shutdown.is_cancelled() && !self.0.dead.is_cancelled() {
            // Who is dead takes nothing over any more.
            let scan = Box::pin(self.take_over(alone, &mut stuck, shutdown));
            let scanned = self.0.dead.run_until_cancelled(scan).await;
            stuck.tell();
            match scanned {
                None => break,
                Some(Ok(())) => alone &= !stuck.is_empty(),
                Some(Err(error)) => {
                    tracing::warn!(cause = %call::error::chain(&error), "Orphaned checkouts could not be looked for");
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.0.dead.cancelled() => {}
                () = tokio::time::sleep(SCAN_EVERY) => {}
            }
        }
        self.0.stopping.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(DRAIN_MAX, self.0.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("Some checkouts are still under way; the next start carries them on");
        }
    }

    /// Takes orphans over until there are none, or `shutdown`. `alone`: no other process can drive these.
    ///
    /// # Errors
    /// The database is out of reach. What one orphan alone fails for stops no other.
    async fn take_over(
        &self,
        alone: bool,
        stuck: &mut Stuck,
        shutdown: &CancellationToken,
    ) -> Result<(), Error> {
        let Parts { db, clock, .. } = &self.0.parts;
        self.measure().await?;
        let all_but = alone.then_some(self.0.id);
        let (mut last, mut seen, mut again) = (None, HashSet::new(), Vec::new());
        let enough = || shutdown.is_cancelled() || self.driven().len() >= DRIVEN_MAX;
        loop {
            let now = clock.now();
            let orphans = store::saga::orphans(db.read(), all_but, now, last, ORPHANS_MAX).await?;
            for &Orphan { id, .. } in &orphans {
                if enough() {
                    return Ok(());
                }
                seen.insert(id);
                if stuck.knows(id) {
                    again.push(id);
                } else {
                    self.take(id, alone, stuck).await?;
                }
            }
            last = orphans.last().copied();
            if (orphans.len() as u64) < ORPHANS_MAX {
                break;
            }
        }
        stuck.keep(&seen);
        again.sort_unstable_by_key(|id| stuck.due(*id));
        let until = Instant::now() + AGAIN_MAX;
        for id in again {
            if enough() || Instant::now() > until {
                return Ok(());
            }
            if !stuck.rests(id) {
                self.take(id, alone, stuck).await?;
            }
        }
        Ok(())
    }

    /// Takes an orphan over, or notes that it is stuck.
    async fn take(&self, id: OrderId, alone: bool, stuck: &mut Stuck) -> Result<(), Error> {
        match self.resume(id, alone).await {
            Ok(record) => {
                stuck.remove(id);
                if let Some(record) = record {
                    tracing::info!(order.id = %id, "Took over the checkout of order {id}");
                    self.drive(record);
                }
            }
            Err(Error::Store(error)) if fault(&error) == Fault::Unavailable => {
                return Err(error.into());
            }
            Err(error) => stuck.add(id, &error),
        }
        Ok(())
    }

    /// Writes that this driver goes on with a saga, unless its own is alive after all. It is tried once: whatever is in
    /// the way, the next look at the orphans comes soon. What cannot be read costs no transaction that writes.
    async fn resume(&self, id: OrderId, alone: bool) -> Result<Option<Record>, Error> {
        let Parts {
            db, clock, rules, ..
        } = &self.0.parts;
        store::saga::find(db.read(), Scope::Everyone, id).await?;
        let txn = db.begin_write().await?;
        let on = self.occasion(Duration::ZERO);
        if let Some(record) = store::saga::find(&txn, Scope::Everyone, id).await?
            && self.may_take(&record, alone, on.now)
            && let Some(change) = change(rules, &record, Event::Resumed, &on)?
        {
            change.write(&txn, clock).await?;
            return match txn.commit().await {
                Ok(()) => Ok(Some(change.record)),
                Err(DbErr::RecordNotUpdated) => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        txn.rollback().await?;
        Ok(None)
    }

    fn may_take(&self, record: &Record, alone: bool, now: DateTime<Utc>) -> bool {
        let Some(lease) = record.saga.lease else {
            return false;
        };
        let forsaken = alone && lease.owner != self.0.id;
        (forsaken || !lease.is_alive(now)) && !self.driven().contains_key(&record.order.id)
    }

    async fn measure(&self) -> Result<(), Error> {
        let active = store::saga::active(self.0.parts.db.read()).await?;
        metrics::gauge!("active_orders_total").set(active as f64);
        Ok(())
    }

    /// The occasion of a write by this driver, now.
    pub fn occasion(&self, took: Duration) -> Occasion {
        Occasion {
            driver: self.0.id,
            now: self.0.parts.clock.now(),
            took,
            note: String::new(),
        }
    }

    /// Carries on what a test may kill at each of its awaits, or by killing the driver; none if it did.
    pub async fn mortal<T>(&self, mut work: BoxFuture<'_, T>) -> Option<T> {
        let work = poll_fn(|cx| match self.survives(FailPoint::Await, "checkout") {
            true => work.as_mut().poll(cx).map(Some),
            false => Poll::Ready(None),
        });
        self.0.dead.run_until_cancelled(work).await.flatten()
    }

    /// Passes a place where a test may kill it; false if it did.
    pub fn survives(&self, place: FailPoint, task: &'static str) -> bool {
        if self.0.parts.fail_points.reach(place, task) == Fate::Die {
            self.0.dead.cancel();
        }
        !self.0.dead.is_cancelled()
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// Whether nobody is known to have written what a task goes by.
    pub(super) fn is_up_to_date(&self, id: OrderId) -> bool {
        self.driven().get(&id).is_some_and(|known| !known.stale)
    }

    /// Takes note that somebody else wrote what a task goes by.
    pub(super) fn outdated(&self, id: OrderId) {
        if let Some(known) = self.driven().get_mut(&id) {
            known.stale = true;
        }
    }

    /// Takes note that what `wake`'s task knows is up to date.
    pub(super) fn refreshed(&self, id: OrderId) {
        if let Some(known) = self.driven().get_mut(&id) {
            known.stale = false;
        }
    }

    /// Strikes a task off, unless it was told meanwhile that there is more to do.
    pub(super) fn leave(&self, id: OrderId) -> bool {
        let mut driven = self.driven();
        let stale = driven.get(&id).is_some_and(|known| known.stale);
        if !stale {
            driven.remove(&id);
        }
        !stale
    }

    /// Strikes off the task that `wake` belongs to, however it ended.
    pub(super) fn gone(&self, id: OrderId, wake: &Arc<Notify>) {
        let mut driven = self.driven();
        if driven
            .get(&id)
            .is_some_and(|known| Arc::ptr_eq(&known.wake, wake))
        {
            driven.remove(&id);
        }
    }

    fn driven(&self) -> MutexGuard<'_, HashMap<OrderId, Driven>> {
        self.0.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

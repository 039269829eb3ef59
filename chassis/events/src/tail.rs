//! Follows one service's outbox and hands each fact to those who watch for it.
//!
//! One task per service reads the table once for all watchers, and not at all while there are
//! none. It wakes when this process commits, and looks every 200 ms for what another committed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use sea_orm::{ConnectionTrait, DbErr};
use sql::{Database, Engine};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::cursor::Cursor;
use crate::mailbox::{End, Mailbox, WatchError};
use crate::outbox::{self, Recorded};
use crate::watchers::Watchers;

/// How long a fact committed elsewhere may go unnoticed.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// The first look after a commit that was not visible yet, behind a slower transaction.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// Facts read at once.
const BATCH: u64 = 500;
/// How often the tail makes sure that its place still holds: a machine may have slept for a week.
const CHECK_EVERY: TimeDelta = TimeDelta::seconds(10);

/// The tail of one service's outbox; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tail(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    db: Database,
    clock: Clock,
    state: Mutex<State>,
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    watchers: Watchers,
    made: u64,
    /// Everything up to here was handed out. None while nobody watches: nobody keeps it up.
    head: Option<Cursor>,
    /// When the head was last found to hold; none when that is in doubt.
    checked: Option<DateTime<Utc>>,
    closing: bool,
}

/// Takes a watcher off the list when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    shared: Arc<Shared>,
    number: u64,
    mailbox: Arc<Mailbox>,
}

impl Tail {
    /// Starts to follow `db`, until `shutdown`, which ends every watch.
    pub fn start(db: Database, clock: Clock, shutdown: CancellationToken) -> Self {
        let committed = db.committed();
        let (state, came) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared {
            db,
            clock,
            state,
            came,
        });
        let (followed, service) = (Arc::clone(&shared), shared.db.service());
        tokio::spawn(async move {
            let follow = || follow(Arc::clone(&followed), committed.clone(), shutdown.clone());
            tasks::supervise(service, "outbox tail", shutdown.clone(), follow).await;
        });
        Self(shared)
    }

    /// The database it follows.
    pub(crate) fn db(&self) -> &Database {
        &self.0.db
    }

    /// Adds a mailbox, and returns the place after which it gets everything.
    pub(crate) async fn register(
        &self,
        mailbox: &Arc<Mailbox>,
    ) -> Result<(Cursor, Registration), WatchError> {
        if let Some(registered) = self.add(mailbox, None)? {
            return Ok(registered);
        }
        let end = outbox::extent(&self.0.db).await?.end(self.0.clock.now());
        self.add(mailbox, Some(end))?.ok_or(WatchError::Closing)
    }

    /// Tells whether everything after a client's cursor is still there.
    pub(crate) async fn holds(&self, from: Cursor) -> Result<bool, DbErr> {
        Ok(!from.is_expired(self.0.clock.now())
            && outbox::extent(&self.0.db).await?.holds(from)
            && outbox::remembers(self.0.db.read(), from).await?)
    }

    /// Adds a mailbox if the head is known, or becomes known by `end`.
    fn add(
        &self,
        mailbox: &Arc<Mailbox>,
        end: Option<Cursor>,
    ) -> Result<Option<(Cursor, Registration)>, WatchError> {
        let mut state = self.0.lock();
        if state.closing {
            return Err(WatchError::Closing);
        }
        let Some(head) = state.head.or(end) else {
            return Ok(None);
        };
        state.head = Some(head);
        state.made += 1;
        let number = state.made;
        state.watchers.insert(number, Arc::clone(mailbox));
        state.measure(self.0.db.service());
        drop(state);
        self.0.came.notify_one();
        Ok(Some((
            head,
            Registration {
                shared: Arc::clone(&self.0),
                number,
                mailbox: Arc::clone(mailbox),
            },
        )))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out what came after the head, and tells whether there may be more.
    async fn look(&self) -> Result<bool, DbErr> {
        let (head, checked) = {
            let state = self.lock();
            let Some(head) = state.head else {
                return Ok(false);
            };
            (head, state.checked)
        };
        let now = self.clock.now();
        let db = self.db.read();
        let backend = db.get_database_backend();
        let mut query = outbox::select(backend);
        query
            .and_where(outbox::after_place(backend, head.place()))
            .limit(BATCH);
        let facts = outbox::read(db, &query).await?;
        let more = facts.len() as u64 == BATCH;
        let is_due = checked.is_none_or(|checked| (now - checked).abs() >= CHECK_EVERY);
        // After the facts: what was pruned before they were read is noted by now.
        let holds = !is_due || outbox::extent(&self.db).await?.holds(head);
        self.measure_lag(head, &facts, is_due, now).await?;
        let mut state = self.lock();
        if state.head.map(|head| head.place()) != Some(head.place()) {
            return Ok(true); // all left, and others came who have seen these facts
        }
        if !holds {
            state.expire();
            return Ok(false);
        }
        if is_due {
            state.checked = Some(now);
        }
        let end = facts.last().map_or(head, |last| last.cursor);
        state.hand_out(facts, Cursor { at: now, ..end }, self.db.service());
        Ok(more)
    }

    /// Tells how old the first fact is that was not handed out before: one of those that were read,
    /// or one that is held back since a slower transaction may overtake it.
    async fn measure_lag(
        &self,
        head: Cursor,
        facts: &[Recorded],
        is_due: bool,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        let first = match facts.first() {
            Some(first) => Some(first.at),
            None if is_due => outbox::first_after(self.db.read(), head).await?,
            None => return Ok(()),
        };
        let lag = first.map_or(0.0, |first| (now - first).as_seconds_f64());
        metrics::gauge!("outbox_lag_seconds", "service" => self.db.service()).set(lag);
        Ok(())
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        for mailbox in state.watchers.all() {
            mailbox.end(End::Closing);
        }
    }
}

impl State {
    /// Gives each watcher what passes its filter, up to the new head.
    fn hand_out(&mut self, facts: Vec<Recorded>, head: Cursor, service: &'static str) {
        let (mut visited, mut gaps) = (0, 0);
        for fact in facts.into_iter().map(Arc::new) {
            for mailbox in self.watchers.of(&fact) {
                visited += 1;
                if mailbox.filter.passes(&fact) && mailbox.put(&fact) {
                    gaps += 1; // no room: from here on it misses facts
                }
            }
        }
        self.head = Some(head);
        metrics::counter!("event_watchers_visited_total", "service" => service).increment(visited);
        metrics::counter!("event_watch_gaps_total", "service" => service).increment(gaps);
    }

    /// Ends every watch, since facts behind the head are gone; who comes now begins at the end.
    fn expire(&mut self) {
        for mailbox in self.watchers.all() {
            mailbox.end(End::Expired);
        }
        self.head = None;
        self.checked = None;
    }

    fn measure(&self, service: &'static str) {
        metrics::gauge!("event_watchers", "service" => service).set(self.watchers.count());
    }
}

impl Registration {
    /// The place up to which the watcher was given everything; none while something waits to be
    /// fetched.
    pub(crate) fn seen(&self) -> Option<Cursor> {
        let state = self.shared.lock();
        state.head.filter(|_| !self.mailbox.is_waiting()) // nothing is put in meanwhile
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.watchers.remove(self.number, &self.mailbox.filter);
        state.measure(self.shared.db.service());
        if state.watchers.count() == 0 {
            state.head = None;
            state.checked = None;
        }
    }
}

/// Looks whenever there may be something new, until shut down.
async fn follow(
    shared: Arc<Shared>,
    mut committed: watch::Receiver<u64>,
    shutdown: CancellationToken,
) {
    // On PostgreSQL a commit may hide behind a slower transaction: look again soon.
    let pause_after_commit = match shared.db.engine() {
        Engine::Sqlite => PAUSE_MAX,
        Engine::Postgres => PAUSE_MIN,
    };
    let mut pause = PAUSE_MAX;
    let mut failing = false;
    while !shutdown.is_cancelled() {
        let watched = shared.lock().head.is_some();
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = shared.came.notified(), if !watched => {}
            Ok(()) = committed.changed(), if watched => pause = pause_after_commit,
            () = tokio::time::sleep(pause), if watched => pause = (pause * 2).min(PAUSE_MAX),
        }
        let looked = look_all(&shared).await;
        if let Err(error) = &looked {
            pause = PAUSE_MAX;
            shared.lock().checked = None; // the database that comes back may be another
            if !failing {
                tracing::warn!(%error, service = shared.db.service(), "Cannot follow the outbox");
            }
        }
        failing = looked.is_err();
    }
    shared.close();
}

/// Looks until nothing is left.
async fn look_all(shared: &Shared) -> Result<(), DbErr> {
    while shared.look().await? {}
    Ok(())
}

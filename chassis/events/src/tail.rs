//! Follows one service's outbox and hands each fact to those who watch for it.
//!
//! One task per service reads the table once for all watchers, and not at all while there are
//! none. It wakes when this process commits, and looks every 200 ms for what another committed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Clock;
use sea_orm::{ConnectionTrait, DbErr};
use store::{Database, Engine};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::cursor::Cursor;
use crate::outbox::{self, Recorded};
use crate::watch::{Filter, Mailbox, Watch, WatchError};

/// How long a fact committed elsewhere may go unnoticed.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// The first look after a commit that was not visible yet, behind a slower transaction.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// Facts read at once.
const BATCH: u64 = 500;

/// The tail of one service's outbox; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tail(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    db: Database,
    clock: Clock,
    watchers: Mutex<Watchers>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Watchers {
    mailboxes: HashMap<u64, Arc<Mailbox>>,
    made: u64,
    /// Everything up to here was handed out. None while nobody watches: nobody keeps it up.
    head: Option<Cursor>,
    closing: bool,
}

/// Takes a watcher off the list when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    shared: Arc<Shared>,
    number: u64,
}

impl Tail {
    /// Starts to follow `db`, until `shutdown`, which ends every watch.
    pub fn start(db: Database, clock: Clock, shutdown: CancellationToken) -> Self {
        let committed = db.committed();
        let (watchers, came) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared {
            db,
            clock,
            watchers,
            came,
        });
        tokio::spawn(follow(Arc::clone(&shared), committed, shutdown));
        Self(shared)
    }

    /// Watches for facts that pass `filter` and come after `cursor`, as a client sent it; after
    /// now if it is empty.
    ///
    /// To show a state and then what changes it, watch first, read the state next, and skip facts
    /// whose version the state has already: no change falls between.
    ///
    /// # Errors
    /// [`WatchError::Invalid`] and [`WatchError::Expired`] for the cursor.
    pub async fn watch(&self, filter: Filter, cursor: &str) -> Result<Watch, WatchError> {
        let from = match cursor {
            "" => None,
            text => Some(text.parse::<Cursor>()?),
        };
        if from.is_some_and(|from| from.is_expired(self.0.clock.now())) {
            return Err(WatchError::Expired);
        }
        let mailbox = Arc::new(Mailbox::new(filter));
        let (head, registration) = self.register(&mailbox).await?;
        let db = self.0.db.clone();
        let cursor = from.unwrap_or(head);
        let catch_up = from.map(|_| head);
        let caught = VecDeque::new();
        Ok(Watch {
            db,
            mailbox,
            cursor,
            catch_up,
            caught,
            _registration: registration,
        })
    }

    /// Adds a mailbox, and returns the place after which it gets everything.
    async fn register(&self, mailbox: &Arc<Mailbox>) -> Result<(Cursor, Registration), WatchError> {
        if let Some(registered) = self.add(mailbox, None)? {
            return Ok(registered);
        }
        let end = outbox::end(self.0.db.read(), self.0.clock.now()).await?;
        self.add(mailbox, Some(end))?.ok_or(WatchError::Closing)
    }

    /// Adds a mailbox if the head is known, or becomes known by `end`.
    fn add(
        &self,
        mailbox: &Arc<Mailbox>,
        end: Option<Cursor>,
    ) -> Result<Option<(Cursor, Registration)>, WatchError> {
        let mut watchers = self.0.lock();
        if watchers.closing {
            return Err(WatchError::Closing);
        }
        let Some(head) = watchers.head.or(end) else {
            return Ok(None);
        };
        watchers.head = Some(head);
        watchers.made += 1;
        let number = watchers.made;
        watchers.mailboxes.insert(number, Arc::clone(mailbox));
        watchers.measure(self.0.db.service());
        drop(watchers);
        self.0.came.notify_one();
        Ok(Some((
            head,
            Registration {
                shared: Arc::clone(&self.0),
                number,
            },
        )))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watchers> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out what came after the head, and tells whether there may be more.
    async fn look(&self) -> Result<bool, DbErr> {
        let Some(head) = self.lock().head else {
            return Ok(false);
        };
        let now = self.clock.now();
        let service = self.db.service();
        let db = self.db.read();
        let backend = db.get_database_backend();
        let mut query = outbox::select(backend);
        query
            .and_where(outbox::after_place(backend, head))
            .limit(BATCH);
        let facts = outbox::read(db, &query).await?;
        let more = facts.len() as u64 == BATCH;
        let mut watchers = self.lock();
        if watchers.head.map(|head| head.place()) != Some(head.place()) {
            return Ok(true); // all left, and others came who have seen these facts
        }
        let lag = facts
            .first()
            .map_or(0.0, |oldest| (now - oldest.at).as_seconds_f64());
        metrics::gauge!("outbox_lag_seconds", "service" => service).set(lag);
        let end = facts.last().map_or(head, |last| last.cursor);
        let gaps = watchers.hand_out(facts, Cursor { at: now, ..end });
        metrics::counter!("event_watch_gaps_total", "service" => service).increment(gaps);
        Ok(more)
    }

    fn close(&self) {
        let mut watchers = self.lock();
        watchers.closing = true;
        for mailbox in watchers.mailboxes.values() {
            mailbox.close();
        }
    }
}

impl Watchers {
    /// Gives each watcher what passes its filter, up to the new head; returns how many of them
    /// had no room and begin to miss facts.
    fn hand_out(&mut self, facts: Vec<Recorded>, head: Cursor) -> u64 {
        let mut gaps = 0;
        for fact in facts.into_iter().map(Arc::new) {
            let wanted = self
                .mailboxes
                .values()
                .filter(|mailbox| mailbox.filter.passes(&fact));
            gaps += wanted
                .map(|mailbox| u64::from(mailbox.put(&fact)))
                .sum::<u64>();
        }
        for mailbox in self.mailboxes.values() {
            mailbox.see(head);
        }
        self.head = Some(head);
        gaps
    }

    fn measure(&self, service: &'static str) {
        let count = u32::try_from(self.mailboxes.len()).unwrap_or(u32::MAX);
        metrics::gauge!("event_watchers", "service" => service).set(count);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut watchers = self.shared.lock();
        watchers.mailboxes.remove(&self.number);
        watchers.measure(self.shared.db.service());
        if watchers.mailboxes.is_empty() {
            watchers.head = None;
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

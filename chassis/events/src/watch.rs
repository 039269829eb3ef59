//! One watcher's view of an outbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ConnectionTrait, DbErr};
use store::Database;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::cursor::{Cursor, ParseError};
use crate::outbox::{self, Recorded};
use crate::schema::Outbox;
use crate::tail::Registration;

/// Facts that wait for a watcher who is slower than they come.
pub const BUFFERED_MAX: usize = 256;
/// A watcher that heard nothing for so long is told that all is well.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Facts read at once while a watcher catches up.
const CATCH_UP_BATCH: u64 = 200;

/// Which facts a watcher wants: those that pass every part of it.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What happened, one of these.
    pub topics: &'static [&'static str],
    /// The thing it happened to, if it is to be one.
    pub key: Option<String>,
    /// The user it concerns, if it is to be one.
    pub subject: Option<Uuid>,
}

impl Filter {
    pub(crate) fn passes(&self, fact: &Recorded) -> bool {
        self.topics.contains(&fact.topic.as_str())
            && self.key.as_ref().is_none_or(|key| *key == fact.key)
            && self
                .subject
                .is_none_or(|subject| fact.subject == Some(subject))
    }
}

/// What a watcher hears next.
#[derive(Clone, Debug)]
pub enum Next {
    /// A fact that passes its filter.
    Event(Arc<Recorded>),
    /// It was too slow and missed facts up to here: show it the full state, as of now.
    Gap {
        /// The place behind what was missed.
        cursor: Cursor,
    },
    /// Nothing happened for a while.
    Idle,
}

/// Why a watcher hears nothing more.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The cursor is not one of ours.
    #[error(transparent)]
    Invalid(#[from] ParseError),
    /// What came after the cursor may be gone: it is older than seven days, or of another history
    /// of the database. Watch from now on, and read the state anew.
    #[error("what came after the cursor is no longer kept, watch without one")]
    Expired,
    /// The service is about to stop: resume from the cursor elsewhere, or later.
    #[error("the service is shutting down, resume from the last cursor")]
    Closing,
    /// The outbox could not be read: resume from the cursor.
    #[error("the outbox could not be read")]
    Db(#[from] DbErr),
}

/// Follows the facts that pass a filter, each once and in order. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    pub(crate) db: Database,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) cursor: Cursor,
    /// Facts up to here are read from the outbox before any that the mailbox holds.
    pub(crate) catch_up: Option<Cursor>,
    pub(crate) caught: VecDeque<Recorded>,
    pub(crate) registration: Registration,
}

impl Watch {
    /// Returns the place up to which everything was heard.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Waits for what comes next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WatchError::Closing`] and [`WatchError::Db`]; both may be resumed from
    /// [`Watch::cursor`]. [`WatchError::Expired`], when facts were pruned before they were heard.
    pub async fn next(&mut self) -> Result<Next, WatchError> {
        if let Some(fact) = self.next_caught().await? {
            self.cursor = fact.cursor;
            return Ok(Next::Event(Arc::new(fact)));
        }
        let silence = tokio::time::sleep(SILENCE_MAX);
        tokio::pin!(silence);
        loop {
            let next = tokio::select! {
                biased;
                next = self.mailbox.take() => next?,
                () = &mut silence => Next::Idle,
            };
            let place = match &next {
                Next::Event(fact) => fact.cursor,
                Next::Gap { cursor } => *cursor,
                Next::Idle => self.registration.seen().unwrap_or(self.cursor),
            };
            // A cursor from another replica may be ahead of what this one has handed out.
            if place.place() > self.cursor.place() || matches!(next, Next::Idle) {
                self.cursor = self.cursor.later(place);
                return Ok(next);
            }
        }
    }

    /// Returns the next fact from before the watcher came, reading on when none is at hand.
    async fn next_caught(&mut self) -> Result<Option<Recorded>, WatchError> {
        if let Some(until) = self.catch_up
            && self.caught.is_empty()
        {
            if let Some(end) = self.mailbox.lock().end {
                return Err(end.into());
            }
            self.caught = self.read(until).await?.into();
            if (self.caught.len() as u64) < CATCH_UP_BATCH {
                self.catch_up = None;
            }
            if self.caught.is_empty() {
                self.cursor = self.cursor.later(until);
            }
        }
        Ok(self.caught.pop_front())
    }

    async fn read(&self, until: Cursor) -> Result<Vec<Recorded>, WatchError> {
        let db = self.db.read();
        let backend = db.get_database_backend();
        let filter = &self.mailbox.filter;
        let aggregates = filter.topics.iter().map(|topic| outbox::aggregate(topic));
        let mut query = outbox::select_settled(backend); // as everything up to there is
        query
            .and_where(outbox::after_place(backend, self.cursor.place()))
            .and_where(outbox::up_to_place(backend, until.place()))
            .and_where(Expr::col(Outbox::Topic).is_in(filter.topics.iter().copied()))
            .and_where_option(
                filter
                    .key
                    .as_ref()
                    .map(|key| Expr::col(Outbox::Key).eq(key.as_str())),
            )
            // The index of a thing's versions begins with this.
            .and_where_option(
                filter
                    .key
                    .as_ref()
                    .map(|_| Expr::col(Outbox::Aggregate).is_in(aggregates)),
            )
            .and_where_option(
                filter
                    .subject
                    .map(|user| Expr::col(Outbox::Subject).eq(user)),
            )
            .limit(CATCH_UP_BATCH);
        let facts = outbox::read(db, &query).await?;
        // In this order: what was pruned before the facts were read is noted by now.
        if !outbox::extent(&self.db).await?.holds(self.cursor) {
            return Err(WatchError::Expired);
        }
        Ok(facts)
    }
}

/// Where the tail leaves facts for one watcher.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pub filter: Filter,
    contents: Mutex<Contents>,
    arrived: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Contents {
    facts: VecDeque<Arc<Recorded>>,
    /// The place behind the last fact that found no room.
    missed: Option<Cursor>,
    /// Why nothing more is to be heard.
    end: Option<End>,
}

/// Why a tail hands out nothing more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Closing,
    Expired,
}

impl From<End> for WatchError {
    fn from(end: End) -> Self {
        match end {
            End::Closing => Self::Closing,
            End::Expired => Self::Expired,
        }
    }
}

impl Mailbox {
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            contents: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    /// Puts a fact in, and tells whether it is the first that finds no room; after that one none
    /// is taken until all are fetched.
    pub fn put(&self, fact: &Arc<Recorded>) -> bool {
        let mut contents = self.lock();
        let first_missed = contents.put(fact);
        drop(contents);
        self.arrived.notify_one();
        first_missed
    }

    /// Wakes the watcher for the last time; what is left it can resume from its cursor.
    pub fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.arrived.notify_one();
    }

    /// Whether something waits to be fetched.
    pub fn is_waiting(&self) -> bool {
        let contents = self.lock();
        !contents.facts.is_empty() || contents.missed.is_some()
    }

    async fn take(&self) -> Result<Next, WatchError> {
        loop {
            if let Some(next) = self.lock().take()? {
                return Ok(next);
            }
            self.arrived.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn put(&mut self, fact: &Arc<Recorded>) -> bool {
        if self.missed.is_none() && self.facts.len() < BUFFERED_MAX {
            self.facts.push_back(Arc::clone(fact));
            return false;
        }
        self.missed.replace(fact.cursor).is_none()
    }

    fn take(&mut self) -> Result<Option<Next>, WatchError> {
        if let Some(end) = self.end {
            return Err(end.into());
        }
        if let Some(fact) = self.facts.pop_front() {
            return Ok(Some(Next::Event(fact)));
        }
        Ok(self.missed.take().map(|cursor| Next::Gap { cursor }))
    }
}

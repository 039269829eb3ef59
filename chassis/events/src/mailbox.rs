//! Where facts wait for one watcher, and what he hears of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::DbErr;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::cursor::{Cursor, ParseError};
use crate::outbox::Recorded;

/// Facts that wait for a watcher who is slower than they come.
pub const BUFFERED_MAX: usize = 256;

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

/// Where the tail leaves facts for one watcher.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pub filter: Filter,
    contents: Mutex<Contents>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Contents {
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

    /// Waits for what comes next.
    pub async fn take(&self) -> Result<Next, WatchError> {
        loop {
            if let Some(next) = self.lock().take()? {
                return Ok(next);
            }
            self.arrived.notified().await;
        }
    }

    /// Why nothing more is to be heard, if so.
    pub fn ended(&self) -> Option<End> {
        self.lock().end
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

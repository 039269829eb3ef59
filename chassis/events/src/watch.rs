//! One watcher's view of an outbox.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait};
use sql::Database;

use crate::cursor::Cursor;
use crate::mailbox::{Filter, Mailbox, Next, WatchError};
use crate::outbox::{self, Recorded};
use crate::schema::Outbox;
use crate::tail::{Registration, Tail};

/// A watcher that heard nothing for so long is told that all is well.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Facts read at once while a watcher catches up.
const CATCH_UP_BATCH: u64 = 200;

/// Follows the facts that pass a filter, each once and in order. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    db: Database,
    mailbox: Arc<Mailbox>,
    cursor: Cursor,
    /// Facts up to here are read from the outbox before any that the mailbox holds.
    catch_up: Option<Cursor>,
    caught: VecDeque<Recorded>,
    registration: Registration,
}

impl Tail {
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
        if let Some(from) = from
            && !self.holds(from).await?
        {
            return Err(WatchError::Expired);
        }
        let mailbox = Arc::new(Mailbox::new(filter));
        let (head, registration) = self.register(&mailbox).await?;
        let db = self.db().clone();
        let cursor = from.unwrap_or(head);
        let catch_up = from.map(|_| head);
        let caught = VecDeque::new();
        Ok(Watch {
            db,
            mailbox,
            cursor,
            catch_up,
            caught,
            registration,
        })
    }
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
            if let Some(end) = self.mailbox.ended() {
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

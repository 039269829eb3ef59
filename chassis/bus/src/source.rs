//! Where a group hears a service: its outbox, which is durable already, or its stream on the broker.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use events::{Cursor, Extent, Recorded, outbox};
use sql::{Database, Engine};
use tokio::sync::watch;

use crate::away::Away;
use crate::heard::Places;
use crate::nats::{Nats, Stream, StreamReader};

/// Facts read at once.
const BATCH: u64 = 500;
/// How long a fact may go unnoticed that another process committed: of PostgreSQL a replica, of a file of SQLite
/// whoever works on it beside its service.
const LOOK_EVERY_POSTGRES: Duration = Duration::from_millis(200);
const LOOK_EVERY_SQLITE: Duration = Duration::from_secs(5);

/// How soon the place is kept after something was heard from a stream, of which little may come at once: after a crash
/// that much is told again.
const KEEP_AFTER: Duration = Duration::from_millis(100);

/// A service that can be heard.
#[derive(Clone)]
pub(crate) enum Source {
    /// It is in this process.
    Outbox(Database, Arc<Places>),
    /// It is wherever it is.
    Broker(&'static str, Arc<Nats>),
}

/// The facts of a source, for one who hears it.
pub(crate) enum Log {
    Outbox(Database, Arc<Places>),
    Stream(Box<Stream>),
}

/// Facts in their order, and the place up to which they were looked for.
pub(crate) struct Page {
    pub facts: Vec<Recorded>,
    pub up_to: Cursor,
}

impl Source {
    /// The name of the service.
    pub fn service(&self) -> &'static str {
        match self {
            Self::Outbox(db, _) => db.service(),
            Self::Broker(service, _) => service,
        }
    }

    pub async fn log(&self) -> Result<Log, Away> {
        Ok(match self {
            Self::Outbox(db, places) => Log::Outbox(db.clone(), places.clone()),
            Self::Broker(service, broker) => Log::Stream(Box::new(broker.stream(service).await?)),
        })
    }
}

impl Log {
    /// From which place to which it can be read now.
    pub async fn extent(&self) -> Result<Extent, Away> {
        match self {
            Self::Outbox(db, _) => Ok(outbox::extent(db).await?),
            Self::Stream(stream) => stream.extent().await,
        }
    }

    /// Whether a place can be one of this history.
    pub async fn remembers(&self, mark: Cursor) -> Result<bool, Away> {
        match self {
            Self::Outbox(db, _) => Ok(outbox::remembers(db.read(), mark).await?),
            Self::Stream(stream) => stream.remembers(mark).await,
        }
    }

    /// Says to who prunes it how far a group has come for good.
    pub async fn note(&self, group: &'static str, mark: Cursor) -> Result<(), Away> {
        match self {
            Self::Outbox(db, places) => {
                places.note(db.service(), group, mark);
                Ok(())
            }
            Self::Stream(stream) => stream.note(group, mark).await,
        }
    }

    /// How soon to keep the place after something was heard.
    pub fn keep_after(&self) -> Duration {
        match self {
            Self::Outbox(..) => Duration::ZERO,
            Self::Stream(_) => KEEP_AFTER,
        }
    }

    /// A reader of some topics.
    pub fn reader<'a>(&self, topics: &'a [&'static str], clock: &'a Clock) -> Reader<'a> {
        match self {
            Self::Outbox(db, _) => Reader::Outbox(Following {
                committed: db.committed(),
                db: db.clone(),
                topics,
                clock,
            }),
            Self::Stream(stream) => {
                Reader::Stream(Box::new(StreamReader::new(stream.clone())), topics)
            }
        }
    }
}

/// Reads facts as they come.
pub(crate) enum Reader<'a> {
    Outbox(Following<'a>),
    Stream(Box<StreamReader>, &'a [&'static str]),
}

/// Reads an outbox.
pub(crate) struct Following<'a> {
    db: Database,
    committed: watch::Receiver<u64>,
    topics: &'a [&'static str],
    clock: &'a Clock,
}

impl Reader<'_> {
    /// Waits until there is something after a place. It may be nothing that was asked for.
    ///
    /// # Errors
    /// The source is away, or what came after the place is gone.
    pub async fn next(&mut self, after: Cursor) -> Result<Page, Away> {
        match self {
            Self::Outbox(following) => following.next(after).await,
            Self::Stream(reader, topics) => {
                let (mut facts, up_to) = reader.next(after).await?;
                facts.retain(|fact| topics.contains(&fact.topic.as_str()));
                Ok(Page { facts, up_to })
            }
        }
    }
}

impl Following<'_> {
    async fn next(&mut self, after: Cursor) -> Result<Page, Away> {
        let look_every = match self.db.engine() {
            Engine::Sqlite => LOOK_EVERY_SQLITE,
            Engine::Postgres => LOOK_EVERY_POSTGRES,
        };
        loop {
            self.committed.mark_unchanged();
            let extent = outbox::extent(&self.db).await?;
            if !extent.holds(after) {
                return Err(Away("what came next is gone".to_owned()));
            }
            let end = extent.end(self.clock.now());
            let facts = outbox::page_of(self.db.read(), self.topics, after, end, BATCH).await?;
            let up_to = match facts.last() {
                Some(last) if facts.len() as u64 == BATCH => last.cursor,
                _ => after.later(end), // which may fall back
            };
            if !facts.is_empty() || !up_to.is_at(after) {
                return Ok(Page { facts, up_to });
            }
            tokio::select! {
                Ok(()) = self.committed.changed() => {}
                () = tokio::time::sleep(look_every) => {}
            }
        }
    }
}

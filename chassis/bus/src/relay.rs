//! Copies the facts of a service from its outbox to its stream on the broker.
//!
//! Each fact is published under the number that the stream has to give it next, and the broker refuses it under another.
//! So the stream is the outbox in its order and without a gap, whoever publishes: of two replicas one is overtaken and
//! stands by, and who was cut off for long can do no harm. Where to go on is what the last message says, so nothing is kept
//! beside it, and an answer that was lost is no question.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use events::{Cursor, outbox};
use sql::Database;
use tokio_util::sync::CancellationToken;

use crate::away::{self, Away, Condition};
use crate::heard::Places;
use crate::nats::{End, Nats, Published, Stream};

/// What the relay is called where groups are.
pub(crate) const NAME: &str = "relay";

/// Facts published at once.
const BATCH: u64 = 500;
/// How long a fact may go unnoticed that another process committed.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long one that was overtaken waits for the other to do nothing though there is something to do.
const STANDS_BY: Duration = Duration::from_secs(1);
/// How often old facts are deleted from the stream.
const PRUNE_EVERY: Duration = Duration::from_secs(10 * 60);

/// See the module.
pub(crate) struct Relay {
    pub db: Database,
    pub clock: Clock,
    pub broker: Arc<Nats>,
    pub places: Arc<Places>,
    pub condition: Condition,
}

impl Relay {
    /// Relays until `shutdown`, whatever fails meanwhile.
    pub async fn run(&self, shutdown: &CancellationToken) {
        let service = self.db.service();
        let relay = || Box::pin(self.relay());
        let tell = |cause: &str| {
            tracing::warn!(
                service,
                cause,
                "Facts cannot be published now: they wait in the outbox"
            );
        };
        away::until(shutdown, (&self.condition, service), relay, tell).await;
    }

    /// Relays until something is away.
    async fn relay(&self) -> Result<Infallible, Away> {
        let stream = self.broker.stream(self.db.service()).await?;
        let (never, _) = tokio::try_join!(self.publish(&stream), self.prune(&stream))?;
        Ok(never)
    }

    /// Publishes whatever comes.
    async fn publish(&self, stream: &Stream) -> Result<Infallible, Away> {
        loop {
            let end = stream.end().await?;
            let place = self.place(end).await?;
            self.condition.goes_on(self.db.service());
            let overtaken = self.publish_after(stream, end.sequence, place).await?;
            self.stand_by(stream, overtaken).await?;
        }
    }

    /// Where in the outbox to go on.
    async fn place(&self, end: End) -> Result<Cursor, Away> {
        let extent = outbox::extent(&self.db).await?;
        Ok(match end.place {
            Some(place)
                if extent.holds(place) && outbox::remembers(self.db.read(), place).await? =>
            {
                place
            }
            // Whatever is there already has no effect again.
            _ => extent.begin(self.clock.now()),
        })
    }

    /// Publishes until somebody else does, and returns the number at which that was noticed.
    async fn publish_after(
        &self,
        stream: &Stream,
        mut sequence: u64,
        mut place: Cursor,
    ) -> Result<u64, Away> {
        let mut committed = self.db.committed();
        loop {
            self.places.note(self.db.service(), NAME, place);
            committed.mark_unchanged();
            let facts = outbox::page(self.db.read(), Some(place), BATCH).await?;
            let Some(last) = facts.last() else {
                tokio::select! {
                    Ok(()) = committed.changed() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                continue;
            };
            match stream.publish(&facts, sequence).await? {
                Published::All => {}
                Published::Overtaken => return Ok(sequence),
            }
            let labels = [("service", self.db.service())];
            metrics::counter!("facts_published_total", &labels).increment(facts.len() as u64);
            sequence += facts.len() as u64;
            place = last.cursor;
        }
    }

    /// Waits until nobody else publishes what is to be published.
    async fn stand_by(&self, stream: &Stream, mut sequence: u64) -> Result<(), Away> {
        loop {
            tokio::time::sleep(STANDS_BY).await;
            let end = stream.end().await?;
            let place = self.place(end).await?;
            self.places.note(self.db.service(), NAME, place);
            let waiting = outbox::page(self.db.read(), Some(place), 1).await?;
            if end.sequence == sequence && !waiting.is_empty() {
                return Ok(());
            }
            sequence = end.sequence;
        }
    }

    /// Keeps the stream as short as the outbox.
    async fn prune(&self, stream: &Stream) -> Result<Infallible, Away> {
        loop {
            stream.prune(self.clock.now() - outbox::KEPT).await?;
            tokio::time::sleep(PRUNE_EVERY).await;
        }
    }
}

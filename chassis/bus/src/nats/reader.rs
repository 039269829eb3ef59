//! Reads a stream from a place on.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig, OrderedError};
use events::Cursor;
use events::Recorded;
use futures::StreamExt;
use futures::stream::ReadyChunks;
use tokio::time::Instant;

use super::{Stream, away};
use crate::away::Away;
use crate::envelope;

/// Facts read at once.
const BATCH: usize = 500;
/// How long it goes unnoticed that somebody put another stream in the place of the one that is read: while facts come,
/// and while none do.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// See the module. The broker pushes ahead, so a batch is mostly there when it is asked for.
pub(crate) struct StreamReader {
    stream: Box<Stream>,
    /// What comes, and the number it comes after.
    coming: Option<(u64, ReadyChunks<Ordered>)>,
    /// What has come and was given to nobody yet.
    come: Vec<Result<Message, OrderedError>>,
    /// When the stream was last known to be the one that is read.
    known: Option<Instant>,
}

impl StreamReader {
    pub fn new(stream: Box<Stream>) -> Self {
        Self {
            stream,
            coming: None,
            come: Vec::new(),
            known: None,
        }
    }

    /// Waits for facts after a place, and returns some with the place behind them; none where there was nothing for a
    /// while. Who stops waiting has missed nothing.
    ///
    /// # Errors
    /// The broker is away, or what it has is not what comes after the place.
    pub async fn next(&mut self, after: Cursor) -> Result<(Vec<Recorded>, Cursor), Away> {
        let number = after.number();
        let place = self.coming.as_ref().map(|(at, _)| *at);
        if place != Some(number) {
            self.come.clear();
            self.coming = Some((number, read(&self.stream, number + 1).await?));
        }
        let (_, coming) = self.coming.as_mut().expect("it was made");
        if self.come.is_empty() {
            tokio::select! {
                come = coming.next() => {
                    self.come = come.ok_or_else(|| Away("the broker ended the stream".to_owned()))?;
                }
                Ok(()) = self.stream.reached.changed() => {
                    // A broker that began anew knows nothing of this reader, which would wait long to find that out.
                    (self.coming, self.known) = (None, None);
                    return Ok((Vec::new(), after));
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        if self
            .known
            .is_none_or(|known| known.elapsed() >= LOOK_AGAIN_AFTER)
        {
            self.look(after).await?;
        }
        self.look_for_gaps(after).await?;
        self.give(after)
    }

    /// Makes sure that nothing is passed over but what is gone: somebody deleted it, and nobody will ever hear it.
    async fn look_for_gaps(&mut self, after: Cursor) -> Result<(), Away> {
        let mut wanted = after.number() + 1;
        for message in self.come.iter().flatten() {
            let number = message.info().map_err(away)?.stream_sequence;
            if number != wanted {
                let next = self.stream.message_from(wanted).await?;
                if next.is_none_or(|next| next.sequence != number) {
                    return Err(Away(format!(
                        "the broker gave number {number} of the stream for {wanted}"
                    )));
                }
                tracing::warn!(
                    source = self.stream.service(),
                    from = wanted,
                    to = number - 1,
                    "Facts were deleted from the broker's stream before they were heard"
                );
            }
            wanted = number + 1;
        }
        Ok(())
    }

    /// Makes sure that the place is one of this stream. Another stream has other facts at the numbers that follow.
    async fn look(&mut self, after: Cursor) -> Result<(), Away> {
        let same = self.stream.extent().await?.holds(after) && self.stream.remembers(after).await?;
        if !same {
            return Err(Away("the broker has another stream than it had".to_owned()));
        }
        self.known = Some(Instant::now());
        Ok(())
    }

    fn give(&mut self, after: Cursor) -> Result<(Vec<Recorded>, Cursor), Away> {
        let mut facts = Vec::with_capacity(self.come.len());
        let mut place = after;
        for message in self.come.drain(..) {
            let message = message.map_err(away)?;
            let info = message.info().map_err(away)?;
            let number = info.stream_sequence;
            place = place.numbered(number, info.published);
            let topic = message.subject.splitn(3, '.').nth(2).unwrap_or_default();
            match envelope::read(&message.payload, topic, |_| place) {
                Ok(fact) => facts.push(fact),
                Err(cause) => tracing::warn!(
                    source = self.stream.service(),
                    number,
                    cause,
                    "The broker has something that is no fact"
                ),
            }
        }
        if let Some((at, _)) = &mut self.coming {
            *at = place.number();
        }
        Ok((facts, place))
    }
}

/// All messages from that number on.
async fn read(stream: &Stream, number: u64) -> Result<ReadyChunks<Ordered>, Away> {
    let config = OrderedConfig {
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: number,
        },
        ..OrderedConfig::default()
    };
    let consumer = stream.inner.create_consumer(config).await;
    let messages = consumer.map_err(away)?.messages().await.map_err(away)?;
    Ok(messages.ready_chunks(BATCH))
}

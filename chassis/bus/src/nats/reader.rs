//! Reads a stream from a place on.

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use events::Cursor;
use events::Recorded;
use futures::StreamExt;
use futures::stream::ReadyChunks;

use super::{Stream, away};
use crate::away::Away;
use crate::envelope;

/// Facts read at once.
const BATCH: usize = 500;

/// See the module. The broker pushes ahead, so a batch is mostly there when it is asked for.
pub(crate) struct StreamReader {
    stream: Box<Stream>,
    /// What comes, and the number it comes after.
    coming: Option<(u64, ReadyChunks<Ordered>)>,
}

impl StreamReader {
    pub fn new(stream: Box<Stream>) -> Self {
        Self {
            stream,
            coming: None,
        }
    }

    /// Waits for facts after a place, and returns some with the place behind them.
    pub async fn next(&mut self, after: Cursor) -> Result<(Vec<Recorded>, Cursor), Away> {
        let number = after.number();
        if self
            .coming
            .as_ref()
            .is_none_or(|(after, _)| *after != number)
        {
            self.coming = Some((number, read(&self.stream, number + 1).await?));
        }
        let (at, coming) = self.coming.as_mut().expect("it was made");
        let messages = tokio::select! {
            messages = coming.next() => messages,
            Ok(()) = self.stream.reached.changed() => {
                // A broker that began anew knows nothing of this reader, which would wait long to find that out.
                self.coming = None;
                return Ok((Vec::new(), after));
            }
        };
        let messages = messages.ok_or_else(|| Away("the broker ended the stream".to_owned()))?;
        let mut facts = Vec::with_capacity(messages.len());
        let mut place = after;
        for message in messages {
            let message = message.map_err(away)?;
            let info = message.info().map_err(away)?;
            let number = info.stream_sequence;
            place = place.numbered(number, info.published);
            *at = number;
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

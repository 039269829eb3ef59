//! NATS JetStream as the broker: a stream for each service that tells facts, numbered from 1 without a gap, and a bucket
//! in which groups say how far they have come.

mod address;
mod reader;

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Event;
use async_nats::jetstream::context::{KeyValueErrorKind, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, DiscardPolicy, RawMessageErrorKind};
use async_nats::jetstream::{self, Context, kv};
use chrono::{DateTime, Utc};
use events::{Cursor, Extent, Recorded, outbox};
use futures::TryStreamExt;
use tokio::sync::{OnceCell, watch};
use uuid::Uuid;

use crate::away::Away;
use crate::envelope;

pub use address::{BadBrokerAddress, NatsAddress};
pub(crate) use reader::StreamReader;

/// In what a stream says of itself: which history it is, so that one which was made anew is told from the one before.
const EPOCH: &str = "stoa-epoch";
/// In a message: the place of its fact in the outbox.
const PLACE: &str = "Stoa-Place";
/// How long the broker may take for an answer.
const TIME_MAX: Duration = Duration::from_secs(5);

/// The broker. It is dialled when it is first needed, and again whenever it went away.
#[derive(Debug)]
pub(crate) struct Nats {
    address: NatsAddress,
    context: OnceCell<Context>,
    /// How often it was reached.
    reached: watch::Sender<u64>,
    /// What it, or the connection to it, said last that is no good.
    trouble: Arc<Mutex<Option<String>>>,
}

/// The facts of one service.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    prefix: Arc<str>,
    service: &'static str,
    context: Context,
    inner: stream::Stream<()>,
    groups: kv::Store,
    reached: watch::Receiver<u64>,
}

/// What a stream ends with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// The number of its last message; 0 if it never had one.
    pub sequence: u64,
    /// The place of its last fact in the outbox, if there is one.
    pub place: Option<Cursor>,
}

/// How a publication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// All is there, for good.
    All,
    /// Somebody else publishes, too: what is there is not known.
    Overtaken,
}

impl Nats {
    pub fn new(address: NatsAddress) -> Self {
        Self {
            address,
            context: OnceCell::new(),
            reached: watch::Sender::default(),
            trouble: Arc::default(),
        }
    }

    async fn context(&self) -> Result<&Context, Away> {
        let dial = || async {
            let (reached, trouble) = (self.reached.clone(), self.trouble.clone());
            let options = self
                .address
                .options()
                .name("stoa")
                .retry_on_initial_connect()
                .request_timeout(Some(TIME_MAX))
                .event_callback(move |event| {
                    if matches!(event, Event::Connected) {
                        reached.send_modify(|times| *times += 1);
                    }
                    tell(&event, &trouble);
                    async {}
                });
            let client = options.connect(&self.address.server).await.map_err(away)?;
            let mut context = jetstream::new(client);
            context.set_timeout(TIME_MAX);
            Ok(context)
        };
        self.context.get_or_try_init(dial).await
    }

    /// The stream of a service, made if nobody has made it.
    ///
    /// # Errors
    /// The broker is away, or lets nobody in that comes as we do: what it said, where it said something.
    pub async fn stream(&self, service: &'static str) -> Result<Stream, Away> {
        let found = self.find(service).await;
        let mut trouble = lock(&self.trouble);
        match found {
            Ok(stream) => {
                *trouble = None;
                Ok(stream)
            }
            Err(cause) => Err(trouble.as_ref().map_or(cause, away)),
        }
    }

    async fn find(&self, service: &'static str) -> Result<Stream, Away> {
        let context = self.context().await?.clone();
        let prefix = &self.address.prefix;
        let config = stream::Config {
            name: format!("{prefix}-{service}"),
            description: Some(format!("What became true in the {service} service")),
            subjects: vec![format!("{prefix}.{service}.>")],
            // A full stream takes nothing more: what is new waits in the outbox, and nothing old is lost.
            discard: DiscardPolicy::New,
            allow_direct: true,
            metadata: [(EPOCH.to_owned(), Uuid::new_v4().to_string())].into(),
            ..stream::Config::default()
        };
        let name = config.name.clone();
        if let Err(error) = context.get_or_create_stream(config).await {
            // Somebody else may have made it meanwhile, with another epoch.
            context.get_stream(&name).await.map_err(|_| away(error))?;
        }
        let inner = context.get_stream_no_info(name).await.map_err(away)?;
        Ok(Stream {
            reached: self.reached.subscribe(),
            groups: groups(&context, prefix).await?,
            prefix: prefix.as_str().into(),
            service,
            context,
            inner,
        })
    }
}

/// The bucket in which groups say how far they have come.
async fn groups(context: &Context, prefix: &str) -> Result<kv::Store, Away> {
    let bucket = format!("{prefix}-groups");
    match context.get_key_value(&bucket).await {
        Ok(groups) => Ok(groups),
        Err(error) if error.kind() == KeyValueErrorKind::GetBucket => {
            let config = kv::Config {
                bucket,
                description: "How far each group has heard each service".to_owned(),
                history: 1,
                ..kv::Config::default()
            };
            context.create_key_value(config).await.map_err(away)
        }
        Err(error) => Err(away(error)),
    }
}

impl Stream {
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// What it holds.
    pub async fn extent(&self) -> Result<Extent, Away> {
        let info = self.inner.get_info().await.map_err(away)?;
        let epoch = info.config.metadata.get(EPOCH);
        let epoch = epoch.and_then(|epoch| Uuid::parse_str(epoch).ok());
        let epoch = epoch.ok_or_else(|| {
            Away(format!(
                "the stream {} of the broker is not one of ours: it has no {EPOCH}",
                info.config.name
            ))
        })?;
        let (first, last) = (info.state.first_sequence, info.state.last_sequence);
        Ok(Extent::numbered(epoch, first, last))
    }

    /// Tells whether a place that somebody came to can be one of this history: a stream that was put back from a copy
    /// has other facts at the places of those that were lost.
    pub async fn remembers(&self, mark: Cursor) -> Result<bool, Away> {
        match self.message(mark.number()).await? {
            Some(message) => Ok(message.time <= mark.at() + outbox::CLOCKS_DIFFER_MAX),
            None => Ok(true),
        }
    }

    async fn message(
        &self,
        number: u64,
    ) -> Result<Option<jetstream::message::StreamMessage>, Away> {
        if number == 0 {
            return Ok(None); // none has it, and the broker takes it for a mistake
        }
        match self.inner.get_raw_message(number).await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// The first message of that number or a later one; none where there is none any more.
    pub(crate) async fn message_from(
        &self,
        number: u64,
    ) -> Result<Option<jetstream::message::StreamMessage>, Away> {
        let all = format!("{}.{}.>", self.prefix, self.service);
        let found = self.inner.get_first_raw_message_by_subject(all, number);
        match found.await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// What it ends with.
    pub async fn end(&self) -> Result<End, Away> {
        let info = self.inner.get_info().await.map_err(away)?;
        let (first, sequence) = (info.state.first_sequence, info.state.last_sequence);
        let mut place = None;
        let mut number = sequence;
        // What somebody else put there has no place.
        while place.is_none() && number >= first.max(1) {
            let message = self.message(number).await?;
            let header = message
                .as_ref()
                .and_then(|message| message.headers.get(PLACE));
            place = header.and_then(|place| place.as_str().parse().ok());
            number -= 1;
        }
        Ok(End { sequence, place })
    }

    /// Puts facts behind the message of that number, as long as nobody else puts something there.
    ///
    /// # Errors
    /// The broker is away, or full: some of the facts may be there.
    pub async fn publish(&self, facts: &[Recorded], after: u64) -> Result<Published, Away> {
        let mut acknowledged = Vec::with_capacity(facts.len());
        for (number, fact) in (after..).zip(facts) {
            let message = PublishMessage::build()
                .payload(envelope::write(fact).into())
                .header(PLACE, fact.cursor.to_string())
                .expected_last_sequence(number);
            let subject = format!("{}.{}.{}", self.prefix, self.service, fact.topic);
            let sent = self.context.send_publish(subject, message).await;
            acknowledged.push(sent.map_err(away)?);
        }
        for sent in acknowledged {
            match sent.await {
                Ok(_) => {}
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    return Ok(Published::Overtaken);
                }
                Err(error) => return Err(away(error)),
            }
        }
        Ok(Published::All)
    }

    /// Notes how far a group has come for good.
    pub async fn note(&self, group: &str, mark: Cursor) -> Result<(), Away> {
        let key = format!("{}.{group}", self.service);
        let number = mark.number().to_string();
        let put = self.groups.put(key, number.into()).await;
        put.map(drop).map_err(away)
    }

    /// Deletes what is older than `before`, up to where all groups have come.
    pub async fn prune(&self, before: DateTime<Utc>) -> Result<(), Away> {
        let info = self.inner.get_info().await.map_err(away)?;
        let (first, last) = (info.state.first_sequence, info.state.last_sequence);
        // The last message stays: it says where to go on.
        let heard = self
            .heard()
            .await?
            .unwrap_or(last)
            .min(last.saturating_sub(1));
        if last == 0 {
            return Ok(()); // it never had any
        }
        let (mut kept, mut young) = (first, heard + 1); // all before the one are old, the other is not
        while kept < young {
            let middle = kept + (young - kept) / 2;
            match self.message_from(middle).await? {
                Some(message) if message.sequence < young && message.time <= before => {
                    kept = message.sequence + 1;
                }
                _ => young = middle, // or nothing is there any more, which says nothing of what is before it
            }
        }
        if kept > first {
            let purged = self.inner.purge().sequence(kept).await;
            purged.map_err(away)?;
        }
        Ok(())
    }

    /// How far all groups have come that hear this service; none if no group does.
    async fn heard(&self) -> Result<Option<u64>, Away> {
        let keys = self.groups.keys().await.map_err(away)?;
        let keys: Vec<String> = keys.try_collect().await.map_err(away)?;
        let mut least = None;
        for key in keys {
            if key
                .split_once('.')
                .is_none_or(|(service, _)| service != self.service)
            {
                continue;
            }
            let place = self.groups.get(&key).await.map_err(away)?;
            let place = place.and_then(|place| std::str::from_utf8(&place).ok()?.parse().ok());
            let place: u64 = place.unwrap_or_default(); // whatever else is there keeps all
            least = Some(least.map_or(place, |least: u64| least.min(place)));
        }
        Ok(least)
    }
}

fn away(error: impl Display) -> Away {
    Away(format!("the broker: {error}"))
}

/// What happens to the connection, once for as long as it is the same; what it means for a group or a relay, these say.
fn tell(event: &Event, trouble: &Mutex<Option<String>>) {
    let mut trouble = lock(trouble);
    match event {
        Event::Connected => {
            *trouble = None;
            tracing::info!("The broker is there");
        }
        Event::Closed | Event::Draining | Event::LameDuckMode => {}
        event => {
            let event = event.to_string();
            if trouble.as_ref() != Some(&event) {
                tracing::warn!(event, "The broker: {event}");
                *trouble = Some(event);
            }
        }
    }
}

fn lock(trouble: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    trouble.lock().unwrap_or_else(PoisonError::into_inner)
}

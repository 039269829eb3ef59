//! A fact as it travels: in the contract's envelope.

use chrono::{DateTime, Utc};
use events::{Cursor, Origin, Recorded};
use prost::Message;
use proto::event::v1::Event;
use uuid::Uuid;

/// Writes a fact for a broker.
pub(crate) fn write(fact: &Recorded) -> Vec<u8> {
    let subject = fact.subject.map(|subject| subject.to_string());
    let event = Event {
        event_id: fact.event_id.to_string(),
        event_type: fact.topic.to_uppercase().replace('.', "_"),
        timestamp: Some(fact.at.into()),
        source: fact.source.clone(),
        key: fact.key.clone(),
        version: fact.version,
        correlation_id: fact.origin.correlation_id.clone(),
        traceparent: fact.origin.traceparent.clone(),
        synthetic: fact.origin.synthetic,
        data: fact.data.clone(),
        subject: subject.unwrap_or_default(),
    };
    event.encode_to_vec()
}

/// Reads one that a broker gave, which knows its topic and, by when it became true, its place.
///
/// # Errors
/// These are not the bytes of a fact: why.
pub(crate) fn read(
    bytes: &[u8],
    topic: &str,
    place: impl FnOnce(DateTime<Utc>) -> Cursor,
) -> Result<Recorded, String> {
    let event = Event::decode(bytes).map_err(|error| error.to_string())?;
    let id = |text: &str| Uuid::parse_str(text).map_err(|error| error.to_string());
    let at = event.timestamp.ok_or("it has no time")?;
    let at = DateTime::<Utc>::try_from(at).map_err(|_| "its time is none")?;
    let subject = match event.subject.as_str() {
        "" => None,
        subject => Some(id(subject)?),
    };
    Ok(Recorded {
        event_id: id(&event.event_id)?,
        cursor: place(at),
        topic: topic.to_owned(),
        key: event.key,
        version: event.version,
        source: event.source,
        subject,
        at,
        origin: Origin {
            correlation_id: event.correlation_id,
            traceparent: event.traceparent,
            synthetic: event.synthetic,
        },
        data: event.data,
    })
}

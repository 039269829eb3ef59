//! What makes a message of `stoa.event.v1` a fact: its topic and its key.

/// A message that travels on the event bus.
pub trait Fact: prost::Message + Default {
    /// The topic on every bus, such as `order.created`.
    const TOPIC: &'static str;
    /// The topic in UPPER_SNAKE, as the envelope's `event_type` has it.
    const EVENT_TYPE: &'static str;

    /// The id of the aggregate that the fact is about.
    fn key(&self) -> &str;
}

//! What brings facts to those who must know.
//!
//! A consumer is a group: the facts that a service hears under one name, and what it does about each. What it does is a
//! command whose key is the fact, so it takes effect once, however often the fact is delivered. Facts about one thing
//! are heard in their order; what a group fails at waits aside, and holds up only what is about the same thing.
//!
//! A group follows each service that it hears by a mark in its own database. Within one process it reads the service's
//! outbox, which is durable already. Between processes it reads the service's stream on a broker, a copy of the outbox that
//! a relay keeps.

mod away;
mod bus;
mod envelope;
mod follow;
mod group;
mod heard;
mod nats;
mod relay;
mod source;
mod tries;

pub use away::Condition;
pub use bus::{Bus, Worker};
pub use group::{Group, Start, Told};
pub use heard::Heard;
pub use nats::{BadBrokerAddress, NatsAddress};

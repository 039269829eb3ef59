//! What brings facts to those who must know.
//!
//! A consumer is a group: the facts that a service hears under one name, and what it does about each. What it does is a
//! command whose key is the fact, so it takes effect once, however often the fact is delivered. Facts about one thing
//! are heard in their order; what a group fails at waits aside, and holds up only what is about the same thing.
//!
//! Within one process there is no broker: a group follows the outbox of each service that it hears, which is durable
//! already, by a mark in its own database.

mod follow;
mod group;
mod heard;
mod local;
mod tries;

pub use group::{Group, Start, Told};
pub use heard::Heard;
pub use local::Bus;

//! What stands between a caller and a callee, in this process or in another: one channel
//! type for every generated client, that carries deadline, identity and ids along, tries again
//! what may be repeated, and leaves a peer alone that fails.
//!
//! A service never knows where its peers are. It asks [`Peers`] for a [`Channel`] by name
//! and builds a generated client on it.

mod ahead;
mod attempts;
mod breaker;
mod channel;
mod connect;
mod credentials;
mod framing;
mod guard;
mod local;
mod outgoing;
mod policy;
mod pool;
mod record;
mod remote;

pub use breaker::BreakerRules;
pub use channel::{Channel, Peers, PeersBuilder};
pub use connect::Address;
pub use credentials::TokenSigner;
pub use local::Local;
pub use outgoing::{Outgoing, request, request_as};
pub use policy::Policy;

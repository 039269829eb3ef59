//! What stands between a caller and a callee, in this process or in another: one channel
//! type for every generated client, that carries deadline, identity and ids along.
//!
//! A service never knows where its peers are. It asks [`Peers`] for a [`Channel`] by name
//! and builds a generated client on it.

mod ahead;
mod channel;
mod connect;
mod credentials;
mod framing;
mod local;
mod outgoing;
mod pool;
mod record;
mod remote;

pub use channel::{Channel, Peers, PeersBuilder};
pub use connect::Address;
pub use credentials::TokenSigner;
pub use local::Local;
pub use outgoing::{Outgoing, request, request_as};

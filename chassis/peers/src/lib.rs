//! What stands between a caller and a callee, in this process or in another: one channel
//! type for every generated client, that carries deadline, identity and ids along, tries again
//! what may be repeated, and leaves a peer alone that fails.
//!
//! A service never knows where its peers are. It asks [`Peers`] for a [`Channel`] by name
//! and builds a generated client on it.

mod ahead;
mod attempts;
mod channel;
mod credentials;
mod fallback;
mod framing;
mod guard;
mod local;
mod outgoing;
mod policy;
mod record;
mod remote;
mod report;

pub use channel::{Channel, Peers, PeersBuilder};
pub use credentials::TokenSigner;
pub use fallback::{Fallback, fallback};
pub use local::Local;
pub use outgoing::{Outgoing, request, request_as};
pub use policy::{Bulkhead, Policy};

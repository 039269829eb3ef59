//! The one edge between a socket and a handler, for every protocol alike.
//!
//! A service hands its generated builder to [`Service::mount`] and gets, on one port and
//! on Connect, gRPC and gRPC-Web alike: limits, deadlines, identity, access rules,
//! validation, typed errors, metadata, logs, metrics, health, reflection and a graceful
//! stop. No domain noun, no table and no rule lives here.

pub mod accept;
mod limits;
pub mod valid;

mod service;

mod edge;
mod ending;
mod health;
mod inner;
mod reflect;
mod shared;

pub mod app;

pub use app::{App, Builder, Config, StartError, refuse};
pub use bounds::{
    BadNetwork, BadRateLimit, Bounds, ClientAddress, FORWARDED_FOR, FORWARDER, Load, PeerAddress,
    Rate, RateLimit, ShareBounds, TrustedProxies,
};
pub use contract::Contract;
pub use edge::cors::{BadOrigin, Cors};
pub use edge::deadline::Timeouts;
pub use edge::guard::Encodings;
pub use edge::identity::LocalCaller;
pub use ending::ConnectionEnding;
pub use health::Health;
pub use limits::Limits;
pub use service::{BackgroundTask, Service, Wellness};
pub use shared::Forward;
pub use valid::{Valid, valid};

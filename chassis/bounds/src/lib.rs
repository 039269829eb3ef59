//! What one client may take of a server: how often it may ask, how much it may have under way at once, and who goes
//! first when there are few places. The edge asks here, step by step; nothing here knows a protocol.

mod address;
mod client;
mod rate;
mod share;
mod shed;

pub use address::{
    BadNetwork, ClientAddress, FORWARDED_FOR, FORWARDER, PeerAddress, TrustedProxies, forwarded,
};
pub use client::Client;
pub use rate::{Asked, BadRateLimit, Limit, Rate, RateLimit, Rates, SWEPT_EVERY};
pub use share::{Bounds, Share, ShareBounds, Shares};
pub use shed::{Class, Load, Place, Shed};

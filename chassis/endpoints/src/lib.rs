//! Where the replicas of a peer are, which of them is asked next, and when it or one of them is left alone.
//!
//! A [`Source`] says where they are: once, or again and again by a [`Resolve`]. [`Endpoints`] keeps something for each
//! of them, gives a call to the less busy of two, and leaves one alone that could not be reached. It knows no protocol
//! and makes no connection: whoever keeps connections keeps them here. A [`Breaker`] and a [`Budget`] are of the whole
//! peer: whether it is asked at all, and how often again.

mod address;
mod breaker;
mod budget;
mod health;
mod resolve;
mod set;
mod source;

pub use address::{Address, BadAddress};
pub use breaker::{Breaker, BreakerRules, Circuit, Impression, Passage};
pub use budget::Budget;
pub use health::Standing;
pub use resolve::{Dns, Resolve, Unresolved};
pub use set::{Choice, Endpoints, Picked};
pub use source::{BadSource, Source};

//! What carries a fact out of the transaction that made it true.
//!
//! Owns the outbox, a table in every service's database; the tail that follows it for Watch rpcs, with
//! cursors that survive a restart and work on any replica; and what a consumer keeps of the facts it heard:
//! its inbox, its marks, and those it failed at. It delivers nothing, and knows no fact by name.

mod cursor;
pub mod inbox;
mod lane;
mod mailbox;
pub mod mark;
pub mod outbox;
pub mod parked;
pub mod schema;
mod seal;
mod tail;
mod watch;
mod watchers;

pub use cursor::Cursor;
pub use mailbox::{Filter, Next, WatchError};
pub use outbox::{Extent, Fact, Origin, Recorded};
pub use seal::Seal;
pub use tail::Tail;
pub use watch::Watch;

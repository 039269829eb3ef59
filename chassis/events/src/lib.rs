//! What carries a fact out of the transaction that made it true.
//!
//! Owns the outbox, a table in every service's database, and the tail that follows it for Watch
//! rpcs, with cursors that survive a restart and work on any replica. It publishes nothing to a
//! bus, and knows no fact by name.

mod cursor;
mod lane;
mod mailbox;
pub mod outbox;
pub mod schema;
mod seal;
mod tail;
mod watch;
mod watchers;

pub use cursor::Cursor;
pub use mailbox::{Filter, Next, WatchError};
pub use outbox::{Fact, Origin, Recorded};
pub use seal::Seal;
pub use tail::Tail;
pub use watch::Watch;

//! The schema of every service, and the one way to bring a database up to it.
//!
//! Each service has a list of its own, applied under a lock, so that any number of processes may
//! try at once, and while others serve: an older program goes on with a database that was changed
//! for it too. Nothing here knows what the rows mean.

mod catalog;
mod inventory;
mod order;
mod payment;
mod pricing;
mod recommendation;
mod user;

mod apply;
mod bookkeeping;
mod change;
mod consumed;
mod index;
mod outbox_lanes;
mod session;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use sea_orm::DbErr;
use sql::Database;

pub use apply::LOCK;
pub use session::LockSession;
pub use state::{Newer, SchemaState};

use change::Change;

/// Makes the changes of a service.
type List = fn() -> Vec<Change>;

/// The services that have a schema, and their changes.
const LISTS: &[(&str, List)] = &[
    ("catalog", catalog::list),
    ("inventory", inventory::list),
    ("order", order::list),
    ("payment", payment::list),
    ("pricing", pricing::list),
    ("recommendation", recommendation::list),
    ("user", user::list),
];

/// How long one who migrates waits for another who does.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// Why a database was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No service of that name has a schema.
    #[error("no service {0} has a schema")]
    UnknownService(String),
    /// The database was changed by a newer program, and not for this one.
    #[error("the database of {service} is newer than this program: {newer}")]
    Incompatible {
        /// Whose database it is.
        service: String,
        /// How much newer.
        newer: Newer,
    },
    /// Another program is migrating, for longer than this one waits. Only PostgreSQL knows it.
    #[error(
        "another program is migrating the database of {service}, and was still at it after {} s: \
         wait until it has ended, then migrate again",
        waited.as_secs_f32()
    )]
    Locked {
        /// Whose database it is.
        service: String,
        /// How long this one waited.
        waited: Duration,
    },
    /// A change held tables for too long, and was taken back.
    #[error(
        "the change {change} of the database of {service} took too long and was taken back: \
         migrate again when there is less to do"
    )]
    Slow {
        /// Whose database it is.
        service: String,
        /// Which one.
        change: String,
    },
    /// The database failed; the change that was being made was not.
    #[error("the database of {service} could not be migrated")]
    Db {
        /// Whose database it is.
        service: String,
        /// What the database said.
        #[source]
        source: DbErr,
    },
}

impl Error {
    fn db(db: &Database, source: DbErr) -> Self {
        let service = db.service().to_owned();
        Self::Db { service, source }
    }

    fn newer(db: &Database, newer: Newer) -> Self {
        let service = db.service().to_owned();
        Self::Incompatible { service, newer }
    }

    fn locked(db: &Database, waited: Duration) -> Self {
        let service = db.service().to_owned();
        Self::Locked { service, waited }
    }

    fn slow(db: &Database, change: &Change) -> Self {
        let (service, change) = (db.service().to_owned(), change.name().to_owned());
        Self::Slow { service, change }
    }
}

/// The services that have a schema, by name.
pub fn services() -> impl Iterator<Item = &'static str> {
    LISTS.iter().map(|(name, _)| *name)
}

/// Brings the database up to this program, and returns the names of the changes it made.
///
/// Each change happens wholly or not at all; who comes while another is at it waits, up to
/// [`WAIT_MAX`]. A database that is [`SchemaState::Ahead`] is left as it is.
///
/// # Errors
/// [`Error::Incompatible`], [`Error::Locked`], [`Error::Slow`], or the database failed.
pub async fn up(db: &Database, service: &str) -> Result<Vec<String>, Error> {
    up_within(db, service, WAIT_MAX).await
}

/// As [`up`], for somebody who waits that long for another.
///
/// # Errors
/// As [`up`].
pub async fn up_within(db: &Database, service: &str, wait: Duration) -> Result<Vec<String>, Error> {
    apply::up(db, &list(service)?, wait).await
}

/// Takes everything back, rows and all: for tests of the changes themselves.
///
/// # Errors
/// The database failed, or has changes that this program does not know; nothing was changed.
pub async fn down(db: &Database, service: &str) -> Result<(), Error> {
    apply::down(db, &list(service)?, WAIT_MAX).await
}

/// Tells how the database stands to this program, changing nothing.
///
/// # Errors
/// The database failed.
pub async fn state(db: &Database, service: &str) -> Result<SchemaState, Error> {
    let changes = list(service)?;
    let applied = bookkeeping::applied(db.read_aside()).await;
    let applied = applied.map_err(|source| Error::db(db, source))?;
    Ok(state::compare(&changes, &applied))
}

fn list(service: &str) -> Result<Vec<Change>, Error> {
    let found = LISTS.iter().find(|(name, _)| *name == service);
    let (_, list) = found.ok_or_else(|| Error::UnknownService(service.into()))?;
    Ok(list())
}

//! Tells what a database error means for the attempt it ended.

use std::error::Error;

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::sqlite::SqliteError;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

/// What the others of a group are told when one of them made SQLite take all of it back.
pub(crate) const TAKEN_BACK: &str = "the shared transaction was taken back by SQLite";

/// What a database error means for the attempt it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another transaction was in the way: the whole attempt may succeed when run again.
    Retry,
    /// The row is there already.
    Unique {
        /// The constraint's name; SQLite does not tell it.
        constraint: Option<String>,
        /// The engine's words; SQLite names the columns here.
        message: String,
    },
    /// The database cannot be reached, or has no time or room for us.
    Unavailable,
    /// A defect of ours.
    Other,
}

impl Fault {
    /// Tells whether the row was refused by this unique constraint, named `constraint` on
    /// PostgreSQL and by its `columns` on SQLite, each as `table.column`.
    pub fn is_unique(&self, constraint: &str, columns: &[&str]) -> bool {
        let Self::Unique {
            constraint: name,
            message,
        } = self
        else {
            return false;
        };
        match name {
            Some(name) => name == constraint,
            None => message
                .rsplit_once("constraint failed: ")
                .is_some_and(|(_, found)| found.split(", ").eq(columns.iter().copied())),
        }
    }
}

/// Tells what `error` means.
pub fn fault(error: &DbErr) -> Fault {
    match error {
        DbErr::ConnectionAcquire(_) => Fault::Unavailable,
        DbErr::Conn(error) => match runtime_fault(error) {
            Fault::Other => Fault::Unavailable,
            fault => fault,
        },
        DbErr::Exec(error) | DbErr::Query(error) => runtime_fault(error),
        _ => Fault::Other,
    }
}

/// Tells what a service's own error means: that of the database error it was caused by, if any.
pub fn fault_within(error: &(dyn Error + 'static)) -> Fault {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(error) = error.downcast_ref::<DbErr>() {
            return fault(error);
        }
        // A transparent wrapper leaves the database error itself out of the chain.
        if let Some(error) = error.downcast_ref::<RuntimeErr>() {
            return runtime_fault(error);
        }
        if error.is::<ConnAcquireErr>() {
            return Fault::Unavailable;
        }
        current = error.source();
    }
    Fault::Other
}

fn runtime_fault(error: &RuntimeErr) -> Fault {
    let error = match error {
        RuntimeErr::SqlxError(error) => error,
        RuntimeErr::Internal(message) if message == TAKEN_BACK => return Fault::Retry,
        _ => return Fault::Other,
    };
    match error.as_ref() {
        sqlx::Error::Database(error) => reported_fault(error.as_ref()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Fault::Unavailable,
        _ => Fault::Other,
    }
}

fn reported_fault(error: &dyn DatabaseError) -> Fault {
    if error.is_unique_violation() {
        let constraint = error.constraint().map(Into::into);
        return Fault::Unique {
            constraint,
            message: error.message().into(),
        };
    }
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        sqlite_fault(&code)
    } else {
        postgres_fault(&code)
    }
}

/// The low byte of SQLite's code is its kind.
fn sqlite_fault(code: &str) -> Fault {
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(5) => Fault::Retry,                  // busy
        Ok(9) => Fault::Unavailable,            // took too long
        Ok(10 | 13 | 14) => Fault::Unavailable, // disk fails, is full, file cannot be opened
        _ => Fault::Other,
    }
}

fn postgres_fault(code: &str) -> Fault {
    match code {
        "40001" | "40P01" | "55P03" => Fault::Retry, // serialization, deadlock, lock timeout
        "57014" | "25P03" | "25P04" => Fault::Unavailable, // statement, idle, transaction timeout
        // Read-only: a server that is to become, or was, the primary. A write of ours through the reading
        // pool says the same, and nothing here tells the two apart.
        "25006" => Fault::Unavailable,
        _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
            Fault::Unavailable // connection lost, no room left, shutting down or starting
        }
        _ => Fault::Other,
    }
}

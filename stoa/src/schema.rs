//! How this binary meets the schema of a database, by the one rule of
//! [`migrations::state`]: what each command, and readiness, makes of it.

use anyhow::bail;
use edge::Wellness;
use migrations::{Error, Newer, SchemaState};
use sql::Database;

use crate::config;

/// Asks how a database stands to this binary.
///
/// # Errors
///
/// It does not answer, or this binary must leave it alone.
pub async fn accepted(db: &Database) -> anyhow::Result<SchemaState> {
    let state = migrations::state(db, db.service()).await?;
    accept(db, &state)?;
    Ok(state)
}

/// Refuses a database that is too new.
///
/// # Errors
///
/// One that ends with exit code 78.
pub fn accept(db: &Database, state: &SchemaState) -> Result<(), config::Error> {
    match state {
        SchemaState::Current | SchemaState::Behind(_) | SchemaState::Ahead(_) => Ok(()),
        SchemaState::Incompatible(newer) => Err(refused(db.service(), newer)),
    }
}

/// For a command that works on the rows: nothing may be missing. What is newer
/// is said on standard error.
///
/// # Errors
///
/// As [`accepted`]; a database that is behind.
pub async fn usable(db: &Database) -> anyhow::Result<()> {
    let service = db.service();
    match accepted(db).await? {
        SchemaState::Behind(missing) => bail!(
            "the database of {service} lacks {}: run `stoa migrate`",
            missing.join(", ")
        ),
        SchemaState::Ahead(newer) => {
            eprintln!("stoa: the database of {service} is newer than this binary: {newer}");
        }
        SchemaState::Current | SchemaState::Incompatible(_) => {}
    }
    Ok(())
}

/// Whether a service can work with its database as it is now.
pub async fn wellness(db: &Database) -> Wellness {
    let state = migrations::state(db, db.service()).await;
    match state.map_err(|error| call::error::chain(&error))? {
        SchemaState::Current => Ok(None),
        SchemaState::Ahead(newer) => Ok(Some(format!("newer than this binary: {newer}"))),
        SchemaState::Behind(missing) => {
            Err(format!("lacks {}: run `stoa migrate`", missing.join(", ")))
        }
        SchemaState::Incompatible(newer) => Err(format!("too new for this binary: {newer}")),
    }
}

/// An error of migrating, with the exit code that belongs to it.
pub fn explained(error: Error) -> anyhow::Error {
    match error {
        Error::Incompatible { service, newer } => refused(&service, &newer).into(),
        error => error.into(),
    }
}

/// A database that is too new is a wrong configuration.
fn refused(service: &str, newer: &Newer) -> config::Error {
    let reason = format!(
        "is too new for this binary, version {}: {newer}; run the newer binary, \
         or go back to a copy of the database from before",
        env!("CARGO_PKG_VERSION")
    );
    config::Error::new(format!("the database of {service}"), reason)
}

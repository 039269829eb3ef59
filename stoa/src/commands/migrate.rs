//! `stoa migrate`: brings databases to this binary's schema.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use migrations::SchemaState;
use slice::Slice;
use sql::Database;

use crate::config::{self, Config};
use crate::services::SERVICES;
use crate::{data, progress, schema};

/// Migrates all services' databases, or one's.
///
/// # Errors
///
/// A database that cannot be reached, that another is migrating for longer than
/// `wait`, that is too new for this binary, or whose change failed: then
/// that change was not made.
pub async fn run(
    config: &Config,
    only: Option<&'static Slice>,
    wait: Duration,
) -> anyhow::Result<ExitCode> {
    data::make_private(&config.general.data)?;
    let all = SERVICES.iter().map(|slice| slice.name);
    let services: Vec<_> = match only {
        Some(slice) => vec![slice.name],
        None => all.collect(),
    };
    let bar = progress::bar(services.len(), "Migrating");
    for service in services {
        let db = open(config, service).await?;
        let state = schema::accepted(&db).await?;
        let made = up(&db, &state, &config.general.data, wait).await?;
        bar.suspend(|| match (made.as_slice(), state) {
            ([], SchemaState::Ahead(newer)) => {
                println!("{service:<10} is newer than this binary: {newer}");
            }
            ([], _) => println!("{service:<10} is up to date"),
            (made, _) => println!("{service:<10} now has {}", made.join(", ")),
        });
        db.close().await.context("cannot close the database")?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(ExitCode::SUCCESS)
}

/// Opens the database of a service for a command that works on what is there,
/// and makes no file: an empty one would be taken for a shop.
///
/// # Errors
///
/// As [`open`]; no file yet, or an empty one.
pub async fn open_there(
    config: &Config,
    service: &'static str,
    to_do: &str,
) -> anyhow::Result<Database> {
    let database = config.database(service)?;
    if let Some(file) = database.file()
        && !std::fs::metadata(file).is_ok_and(|there| there.is_file() && there.len() > 0)
    {
        let key = match config.of(service).database {
            Some(_) => format!("{service}.database_url"),
            None => "data".to_owned(),
        };
        let reason = format!(
            "leads to {}, which is not there: there is nothing to {to_do}; `stoa up` and `stoa migrate` make a new one",
            file.display()
        );
        return Err(config::Error::new(key, reason).into());
    }
    open(config, service).await
}

/// Opens the database of a service as it is configured.
///
/// # Errors
///
/// No URL where one is required, or a database that cannot be opened.
pub async fn open(config: &Config, service: &'static str) -> anyhow::Result<Database> {
    let db = Database::connect(service, &config.database(service)?).await;
    db.with_context(|| format!("cannot open the database of {service}"))
}

/// Migrates one database that stands so to this binary, a copy of its file
/// first, and says what changed.
///
/// # Errors
///
/// As [`run`].
pub async fn up(
    db: &Database,
    state: &SchemaState,
    data: &Path,
    wait: Duration,
) -> anyhow::Result<Vec<String>> {
    let SchemaState::Behind(missing) = state else {
        return Ok(Vec::new());
    };
    // A new database has nothing to lose.
    if let Some(first) = missing.first().filter(|first| !first.starts_with("m0001")) {
        data::back_up(db, data, first).await?;
    }
    let made = migrations::up_within(db, db.service(), wait).await;
    made.map_err(schema::explained)
}

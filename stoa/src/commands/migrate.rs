//! `stoa migrate`: brings databases to this binary's schema.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use migrations::State;
use store::Database;

use crate::cli::Service;
use crate::config::{self, Config};
use crate::{data, progress};

/// Migrates all services' databases, or one's.
///
/// # Errors
///
/// A database that cannot be reached, that is newer than this binary, or whose
/// change failed: then that database is as it was.
pub async fn run(config: &Config, only: Option<Service>) -> anyhow::Result<ExitCode> {
    data::make_private(&config.general.data)?;
    let services: Vec<Service> = match only {
        Some(service) => vec![service],
        None => Service::ALL.to_vec(),
    };
    let bar = progress::bar(services.len(), "Migrating");
    for service in services {
        let db = open(config, service).await?;
        let made = up(&db, &config.general.data).await?;
        bar.suspend(|| match made.as_slice() {
            [] => println!("{:<10} is up to date", service.name()),
            made => println!("{:<10} now has {}", service.name(), made.join(", ")),
        });
        db.close().await.context("cannot close the database")?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(ExitCode::SUCCESS)
}

/// Opens the database of a service as it is configured.
///
/// # Errors
///
/// No URL where one is required, or a database that cannot be opened.
pub async fn open(config: &Config, service: Service) -> anyhow::Result<Database> {
    let name = service.name();
    let db = Database::connect(name, &config.database(service)?).await;
    db.with_context(|| format!("cannot open the database of {name}"))
}

/// Migrates one database, a copy of its file first, and says what changed.
///
/// # Errors
///
/// As [`run`].
pub async fn up(db: &Database, data: &Path) -> anyhow::Result<Vec<String>> {
    let service = db.service();
    match migrations::state(db, service).await? {
        State::Current => return Ok(Vec::new()),
        State::Newer(unknown) => return Err(newer(service, &unknown)),
        State::Behind(missing) => {
            // A new database has nothing to lose.
            if let Some(first) = missing.first().filter(|first| !first.starts_with("m0001")) {
                data::back_up(db, data, first).await?;
            }
        }
    }
    Ok(migrations::up(db, service).await?)
}

/// A database that a newer binary has changed is a wrong configuration.
pub fn newer(service: &str, unknown: &[String]) -> anyhow::Error {
    let reason = format!(
        "is newer than this binary, version {}: it has {}, which this binary does not know",
        env!("CARGO_PKG_VERSION"),
        unknown.join(", ")
    );
    config::Error::new(format!("the database of {service}"), reason).into()
}

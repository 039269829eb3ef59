//! `stoa serve`: one target alone.

use std::process::ExitCode;

use crate::commands::migrate;
use crate::compose::{self, Base, Listeners};
use crate::config::{Config, Profile};
use crate::services::Target;
use crate::{data, keys, schema};

/// Serves until it is told to stop.
///
/// # Errors
///
/// A configuration that is refused, a port that is taken, a SQLite file that
/// another process serves, or a database that is too new for this binary. One that is away or behind is no error: the
/// target is alive and not ready until it is there.
pub async fn run(config: Config, target: Target) -> anyhow::Result<ExitCode> {
    super::start_log(&config, target.name())?;
    config.check_peers(target)?;
    if config.general.profile == Profile::Dev {
        data::make_private(&config.general.data)?;
        keys::make_all(&config)?;
    }
    let file = target.service();
    let _file = file
        .map(|slice| data::lock_database(&config, slice.name))
        .transpose()?;
    let database = match target.service() {
        None => None,
        Some(slice) => {
            let db = migrate::open(&config, slice.name).await?;
            if let Ok(state) = migrations::state(&db, slice.name).await {
                schema::accept(&db, &state)?;
            }
            Some(db)
        }
    };
    let base = Base::new(config)?;
    let parts = compose::one(&base, target, database)?;
    let listeners = Listeners::bind(&base, target.port(), target.admin_port()).await?;
    let (public, admin) = listeners.addresses()?;
    tracing::info!(%public, %admin, "Serving {} at {public}", target.name());
    compose::run(&base, parts, listeners).await?;
    Ok(ExitCode::SUCCESS)
}

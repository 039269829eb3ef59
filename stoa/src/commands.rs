//! One file per verb of the command line.

pub mod audit;
pub mod dlq;
pub mod events;
pub mod export;
pub mod fault;
pub mod healthcheck;
pub mod migrate;
pub mod serve;
pub mod up;
pub mod user;

use crate::config::{self, Config};

/// Starts the log of a long-running command.
///
/// # Errors
///
/// A filter that does not parse.
fn start_log(config: &Config, service: &str) -> anyhow::Result<()> {
    let general = &config.general;
    let log = telemetry::Config {
        format: general.log_format,
        filter: general.log.clone(),
        service: service.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        env: general.profile.name().to_owned(),
    };
    telemetry::init(&log).map_err(|error| config::Error::new("log", error.to_string()))?;
    Ok(())
}

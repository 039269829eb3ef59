//! The one binary: reads the command line and the configuration, and runs a
//! command. It alone knows whether services share a process.

mod admin;
mod audit;
mod cli;
mod commands;
mod compose;
mod config;
mod data;
mod dead_letters;
mod demo;
mod facts;
mod faults;
mod keys;
mod measures;
mod progress;
mod schema;
mod services;
mod typed;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::cli::{Cli, Command, EventsCommand, ExportCommand, UserCommand};
use crate::config::{Config, Sources};

/// How long threads that are blocked may take at the end.
const THREADS_MAX: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    token::install_provider();
    let config = match Config::load(&sources(&cli)) {
        Ok(config) => config,
        Err(error) => return fail(&error.into()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let ended = runtime.block_on(run(cli.command, config));
    telemetry::flush();
    // A thread may hang in a file that nobody answers for; it must not keep the process.
    runtime.shutdown_timeout(THREADS_MAX);
    match ended {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

async fn run(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up { demo, no_demo } => Box::pin(commands::up::run(config, demo, no_demo)).await,
        Command::Serve { target } => commands::serve::run(config, target).await,
        Command::Migrate { service, wait } => {
            let wait = wait.unwrap_or(migrations::WAIT_MAX);
            commands::migrate::run(&config, service, wait).await
        }
        Command::Audit {
            history,
            settle,
            json,
        } => commands::audit::run(&config, history.as_deref(), settle, json).await,
        Command::User {
            command: UserCommand::Create { email, name, roles },
        } => commands::user::create(&config, &email, name.as_deref(), &roles).await,
        Command::Export {
            command: ExportCommand::Descriptors,
        } => commands::export::descriptors(),
        Command::Events {
            command: EventsCommand::Tail(tail),
        } => commands::events::tail(&config, tail).await,
        Command::Dlq { command } => commands::dlq::run(&config, command).await,
        Command::Fault { command } => commands::fault::run(&config, command).await,
        Command::Healthcheck { url } => commands::healthcheck::run(&config, url.as_deref()),
    }
}

/// The one place that reads the environment.
fn sources(cli: &Cli) -> Sources {
    Sources {
        file: cli.options.config.clone(),
        environment: std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        flags: cli.options.overrides(),
    }
}

/// Says what is wrong, with its causes, and picks the exit code.
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("stoa: {error:#}");
    ExitCode::from(exit_code(error))
}

/// 78 for what no restart will mend: a configuration that is refused, or a program that was put
/// together wrongly.
fn exit_code(error: &anyhow::Error) -> u8 {
    match error.is::<config::Error>()
        || error.is::<edge::StartError>()
        || error.is::<contract::ContractError>()
    {
        true => config::EXIT_CODE,
        false => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: X20
    #[test]
    fn what_no_restart_mends_ends_with_78() {
        let rule =
            edge::StartError::NoAccessRule("/stoa.order.v1.OrderService/GetOrder".to_owned());
        assert_eq!(exit_code(&rule.into()), 78);
        let contract = edge::Contract::new(b"no descriptors")
            .err()
            .expect("it is refused");
        assert_eq!(exit_code(&contract.into()), 78);
        assert_eq!(
            exit_code(&config::Error::new("port", "is taken").into()),
            78
        );
        assert_eq!(exit_code(&std::io::Error::other("away").into()), 1);
    }
}

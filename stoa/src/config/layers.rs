//! The layers of configuration, merged into one table, and the top of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config_rs::{ConfigError, Environment, File, FileFormat, Value};

use super::{Error, General, Profile, issuer, peer};
use crate::services::Target;

/// Where values come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named by `--config` or `STOA_CONFIG`, which must exist.
    pub file: Option<PathBuf>,
    /// The process' environment.
    pub environment: HashMap<String, String>,
    /// Flags, by key.
    pub flags: Vec<(&'static str, String)>,
}

/// The file that is read when none is named.
const FILE_DEFAULT: &str = "stoa.toml";
/// Names the file; no key of the configuration itself.
const FILE_VARIABLE: &str = "STOA_CONFIG";

/// `order.step_budget_seconds` in `dev`.
const DEV_STEP_BUDGET_SECONDS: i64 = 30;

pub(super) type Table = HashMap<String, Value>;

pub(super) fn merged(sources: &Sources) -> Result<Table, Error> {
    let mut environment = sources.environment.clone();
    let named = sources
        .file
        .clone()
        .or_else(|| environment.remove(FILE_VARIABLE).map(PathBuf::from));
    environment.remove(FILE_VARIABLE);
    let path = named.clone().unwrap_or_else(|| PathBuf::from(FILE_DEFAULT));
    let file = from_file(&path, named.is_some())?;
    peer::spread_variables(&mut environment)?;
    let mut builder = config_rs::Config::builder();
    if let Some(level) = environment.get("LOG_LEVEL") {
        builder = builder
            .set_default("log", level.as_str())
            .map_err(|error| refused("LOG_LEVEL", &error))?;
    }
    for (key, value) in file {
        builder = builder
            .set_default(&key, value)
            .map_err(|error| refused(&key, &error))?;
    }
    builder = builder.add_source(
        Environment::with_prefix("STOA")
            .prefix_separator("_")
            .separator("__")
            .source(Some(environment.clone().into_iter().collect())),
    );
    for (key, value) in &sources.flags {
        builder = builder
            .set_override(*key, value.as_str())
            .map_err(|error| refused(key, &error))?;
    }
    let merged = builder
        .build()
        .map_err(|error| refused("the environment", &error))?;
    merged
        .try_deserialize()
        .map_err(|error| refused("the top level", &error))
}

/// The file alone, in the form in which variables may add to it.
fn from_file(path: &Path, required: bool) -> Result<Table, Error> {
    let file = File::from(path).format(FileFormat::Toml).required(required);
    let read = config_rs::Config::builder().add_source(file).build();
    let mut table: Table = read
        .map_err(|error| unreadable(path, &error))?
        .try_deserialize()
        .map_err(|error| refused("the top level", &error))?;
    peer::spread(&mut table)?;
    issuer::spread(&mut table)?;
    Ok(table)
}

/// In `dev` a checkout gives up within a time that somebody watching will wait, and letters lie in
/// the data folder, with links to this machine.
pub(super) fn soften_for_dev(table: &mut Table) -> Result<(), Error> {
    let profile = table
        .get("profile")
        .map(|profile| profile.clone().into_string());
    if matches!(profile, Some(Ok(name)) if name != Profile::Dev.name()) {
        return Ok(());
    }
    let text = |key: &str| {
        table
            .get(key)
            .and_then(|value| value.clone().into_string().ok())
    };
    let data = text("data").map_or_else(|| General::default().data, PathBuf::from);
    let port = text("port").and_then(|port| port.parse::<u16>().ok());
    let port = port.unwrap_or(Target::Gateway.port());
    let letters = [
        ("mail_folder", data.join("mail").display().to_string()),
        ("shop_url", format!("http://localhost:{port}")),
    ];
    let budget = ("step_budget_seconds", DEV_STEP_BUDGET_SECONDS);
    fill_in(table, "order", [budget])?;
    fill_in(table, user::NAME, letters)
}

/// Sets keys of a section that say nothing yet.
fn fill_in<V: Into<config_rs::ValueKind>>(
    table: &mut Table,
    name: &str,
    values: impl IntoIterator<Item = (&'static str, V)>,
) -> Result<(), Error> {
    let mut section = match table.remove(name) {
        None => Table::default(),
        Some(section) => section
            .into_table()
            .map_err(|error| refused(name, &error))?,
    };
    for (key, value) in values {
        section
            .entry(key.to_owned())
            .or_insert_with(|| Value::new(None, value));
    }
    table.insert(name.to_owned(), Value::new(None, section));
    Ok(())
}

pub(super) fn general(table: Table) -> Result<General, Error> {
    Value::new(None, table)
        .try_deserialize()
        .map_err(|error| refused("the top level", &error))
}

/// Names the key as exactly as the error does, and leaves the value out.
pub(super) fn refused(key: &str, error: &ConfigError) -> Error {
    let inner = |found: &Option<String>| match found {
        Some(found) if key == "the top level" => found.clone(),
        Some(found) => format!("{key}.{found}"),
        None => key.to_owned(),
    };
    match error {
        ConfigError::Type {
            expected,
            key: found,
            ..
        } => Error::new(inner(found), format!("must be {expected}")),
        ConfigError::At {
            error, key: found, ..
        } => refused(&inner(found), error),
        ConfigError::Message(text) => Error::new(key, format!("is not valid: {text}")),
        ConfigError::NotFound(found) => Error::new(inner(&Some(found.clone())), "is missing"),
        ConfigError::Frozen
        | ConfigError::PathParse { .. }
        | ConfigError::FileParse { .. }
        | ConfigError::Foreign(_) => Error::new(key, "is not valid"),
        _ => Error::new(key, "is not valid"),
    }
}

fn unreadable(file: &Path, error: &ConfigError) -> Error {
    let reason = match error {
        ConfigError::FileParse { cause, .. } => {
            // The first line says where and what; the rest quotes the file, values and all.
            let text = cause.to_string();
            format!(
                "does not parse: {}",
                text.lines().next().unwrap_or_default()
            )
        }
        _ => "cannot be read".to_owned(),
    };
    Error::new(format!("the file {}", file.display()), reason)
}

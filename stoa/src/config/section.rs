//! A service's section: where its rows are, which the composition root needs,
//! and the service's own keys, which only the service understands.

use std::path::Path;

use config_rs::Value;
use serde::de::DeserializeOwned;
use slice::{Misconfigured, Ready, Slice, Unread};

use super::Error;
use super::layers::{Table, refused};

/// One section of the file.
#[derive(Debug)]
pub struct Section {
    /// `database_url` or `database_url_file`, and `database_connections_max`.
    pub database: Option<sql::Config>,
    /// The service with its own keys.
    pub ready: Ready,
}

pub(super) fn take(table: &mut Table, slice: &Slice) -> Result<Section, Error> {
    let name = slice.name;
    let mut keys: Table = match table.remove(name) {
        None => Table::default(),
        Some(section) => section
            .into_table()
            .map_err(|error| refused(name, &error))?,
    };
    let database = database(&mut keys, name)?;
    let ready = slice.read(Value::new(None, keys));
    let ready = ready.map_err(|unread| match unread {
        Unread::Form(error) => refused(name, &error),
        Unread::Value(Misconfigured { key, problem }) => Error::new(key, problem),
    })?;
    Ok(Section { database, ready })
}

/// A section of nobody who has a database.
pub(super) fn plain<C: DeserializeOwned + Default>(
    table: &mut Table,
    name: &str,
) -> Result<C, Error> {
    match table.remove(name) {
        None => Ok(C::default()),
        Some(section) => section
            .try_deserialize()
            .map_err(|error| refused(name, &error)),
    }
}

fn database(keys: &mut Table, section: &str) -> Result<Option<sql::Config>, Error> {
    let mut text = |key: &str| {
        let value = keys.remove(key).map(Value::into_string).transpose();
        value.map_err(|error| refused(&format!("{section}.{key}"), &error))
    };
    let (url, file) = (text("database_url")?, text("database_url_file")?);
    let connections = text("database_connections_max")?;
    let (of_text, of_file) = (
        format!("{section}.database_url"),
        format!("{section}.database_url_file"),
    );
    let (key, url) = match (url, file) {
        (Some(_), Some(_)) => {
            return Err(Error::new(of_file, "is set beside database_url: set one"));
        }
        (Some(url), None) => (of_text, url),
        (None, Some(file)) => {
            let url = secret(&file, &of_file)?;
            (of_file, url)
        }
        (None, None) => return Ok(None),
    };
    super::database::check(&url).map_err(|reason| Error::new(key, reason))?;
    let mut database = sql::Config::new(url);
    if let Some(connections) = connections {
        database.connections_max = connections
            .parse()
            .ok()
            .filter(|number| (1..=1000).contains(number))
            .ok_or_else(|| {
                Error::new(
                    format!("{section}.database_connections_max"),
                    "must be 1 to 1000",
                )
            })?;
    }
    Ok(Some(database))
}

/// A secret from a file, without the line break that editors leave at its end.
fn secret(file: &str, key: &str) -> Result<String, Error> {
    let text = std::fs::read_to_string(Path::new(file)).map_err(|error| {
        Error::new(
            key,
            format!("names a file that cannot be read: {}", error.kind()),
        )
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

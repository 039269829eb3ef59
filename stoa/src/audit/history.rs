//! What clients were told, as a harness wrote it down: one JSON object a line.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One answer that reached a client. An answer that was lost is no entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who asked, such as `user:<id>`.
    pub subject: String,
    /// The rpc's path.
    pub method: String,
    /// The idempotency key, if there was one.
    pub key: Option<String>,
    /// Anything that is equal for equal requests, such as a hash.
    pub request: String,
    /// `ok`, or the error's code.
    pub code: String,
    /// The answer's bytes as text: the body of a Connect JSON answer.
    pub answer: String,
    /// The order the answer speaks of.
    pub order_id: Option<Uuid>,
    /// The status it tells, by the contract's name without its prefix.
    pub status: Option<String>,
}

/// Reads a history.
///
/// # Errors
///
/// A file that cannot be read, or a line that is no entry: a history that is
/// read in part would prove nothing.
pub fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the history {}", path.display()))?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("line {} of {} is no entry", number + 1, path.display()))
        })
        .collect()
}

//! How a database stands to this program: the one rule that all who open it follow.

use std::collections::HashSet;
use std::fmt;

use crate::bookkeeping::Applied;
use crate::change::Change;

/// How a database stands to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// It has exactly the changes that this program knows.
    Current,
    /// It lacks these changes, oldest first: run `stoa migrate`.
    Behind(Vec<String>),
    /// A newer program changed it, and each of its changes was made for this program too: use it
    /// as it is.
    Ahead(Newer),
    /// A newer program changed it, and this one must leave it alone.
    Incompatible(Newer),
}

/// A database with changes that this program does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newer {
    /// The last change that the database has.
    pub database: String,
    /// The last change that this program knows.
    pub program: String,
    /// What stands in the way, if anything does.
    obstacle: Option<Obstacle>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Obstacle {
    /// A change that was made for no older program, as far as the database says.
    Untold(String),
    /// A change that was made for programs which have the other one.
    Since(String, String),
    /// A change that this program has and the database has not: they grew apart.
    Lacking(String),
}

/// The rule: a program may use a database with changes unknown to it, if it has all that the
/// program has, and each unknown change reaches down to one that the program knows.
pub(crate) fn compare(changes: &[Change], applied: &[Applied]) -> SchemaState {
    let known: HashSet<&str> = changes.iter().map(Change::name).collect();
    let there: HashSet<&str> = applied.iter().map(|change| change.name.as_str()).collect();
    let mut missing = changes
        .iter()
        .map(Change::name)
        .filter(|name| !there.contains(name))
        .map(str::to_owned);
    let unknown: Vec<&Applied> = applied
        .iter()
        .filter(|change| !known.contains(change.name.as_str()))
        .collect();
    let Some(last) = unknown.last() else {
        let missing: Vec<String> = missing.collect();
        return if missing.is_empty() {
            SchemaState::Current
        } else {
            SchemaState::Behind(missing)
        };
    };
    let too_new = unknown.iter().find_map(|change| match &change.down_to {
        None => Some(Obstacle::Untold(change.name.clone())),
        Some(down_to) if known.contains(down_to.as_str()) => None,
        Some(down_to) => Some(Obstacle::Since(change.name.clone(), down_to.clone())),
    });
    let newer = Newer {
        database: last.name.clone(),
        program: changes.last().map_or("none", Change::name).to_owned(),
        obstacle: too_new.or_else(|| missing.next().map(Obstacle::Lacking)),
    };
    if newer.obstacle.is_none() {
        SchemaState::Ahead(newer)
    } else {
        SchemaState::Incompatible(newer)
    }
}

impl fmt::Display for Newer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (database, program) = (&self.database, &self.program);
        write!(f, "its schema is {database}, this program's is {program}")?;
        match &self.obstacle {
            None => write!(f, ", and it was made for this program too"),
            Some(Obstacle::Untold(change)) => {
                write!(f, ", and {change} names no older program it was made for")
            }
            Some(Obstacle::Since(change, down_to)) => {
                write!(f, ", and {change} was made for programs since {down_to}")
            }
            Some(Obstacle::Lacking(change)) => write!(f, ", and it lacks {change}"),
        }
    }
}

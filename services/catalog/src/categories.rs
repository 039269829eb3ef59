//! The categories of the catalog, for whoever wants to narrow a list. They change seldom,
//! so they are read at most every few seconds, by one index seek each.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::store;

/// More than a page could show.
const CATEGORIES_MAX: usize = 100;
/// How old the list may be.
const AGE_MAX: Duration = Duration::from_secs(5);

/// The last list that was read. Clones share it.
#[derive(Clone, Default)]
pub struct Categories(Arc<Mutex<Option<Seen>>>);

struct Seen {
    at: Instant,
    names: Vec<String>,
}

impl Categories {
    /// Every category that a product has, by name, at most 100.
    ///
    /// # Errors
    /// The database.
    pub async fn list(&self, db: &::store::Database) -> Result<Vec<String>, Error> {
        let mut last = self.0.lock().await;
        if let Some(seen) = &*last
            && seen.at.elapsed() < AGE_MAX
        {
            return Ok(seen.names.clone());
        }
        let names = read(db).await?;
        *last = Some(Seen {
            at: Instant::now(),
            names: names.clone(),
        });
        Ok(names)
    }
}

async fn read(db: &::store::Database) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    while names.len() < CATEGORIES_MAX {
        let after = names.last().map_or("", String::as_str); // the empty name is no category
        match store::product::category_after(db.read(), after).await? {
            Some(name) => names.push(name),
            None => break,
        }
    }
    names.sort_unstable(); // PostgreSQL goes by its collation, SQLite by bytes
    Ok(names)
}

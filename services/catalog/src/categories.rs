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
pub struct Categories(Arc<Mutex<Option<(Instant, Vec<String>)>>>);

impl Categories {
    /// Every category that a product has, by name, at most 100.
    ///
    /// # Errors
    /// The database.
    pub async fn list(&self, db: &::store::Database) -> Result<Vec<String>, Error> {
        let mut last = self.0.lock().await;
        if let Some((at, names)) = &*last
            && at.elapsed() < AGE_MAX
        {
            return Ok(names.clone());
        }
        let names = read(db).await?;
        *last = Some((Instant::now(), names.clone()));
        Ok(names)
    }
}

async fn read(db: &::store::Database) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    while names.len() < CATEGORIES_MAX {
        let after = names.last().map_or("", String::as_str);
        match store::product::category_after(db.read(), after).await? {
            Some(name) => names.push(name),
            None => break,
        }
    }
    Ok(names)
}

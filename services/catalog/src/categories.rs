//! The categories of the catalog, for whoever wants to narrow a list or to look around. They
//! change seldom, so they are read at most every few seconds, by two index seeks each.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::category::Category;
use crate::error::Error;
use crate::store;

/// More than a page could show.
const CATEGORIES_MAX: usize = 100;
/// How many products of a category are looked at for a picture, the newest first.
const PICTURES_MAX: u64 = 10;
/// How old the list may be.
const AGE_MAX: Duration = Duration::from_secs(5);

/// The last list that was read. Clones share it.
#[derive(Clone, Default)]
pub struct Categories(Arc<Mutex<Option<Seen>>>);

struct Seen {
    at: Instant,
    all: Arc<[Category]>,
}

impl Categories {
    /// Every category that a product has, by name, at most 100.
    ///
    /// # Errors
    /// The database.
    pub async fn list(&self, db: &sql::Database) -> Result<Arc<[Category]>, Error> {
        let mut last = self.0.lock().await;
        if let Some(seen) = &*last
            && seen.at.elapsed() < AGE_MAX
        {
            return Ok(seen.all.clone());
        }
        let all: Arc<[Category]> = read(db).await?.into();
        *last = Some(Seen {
            at: Instant::now(),
            all: all.clone(),
        });
        Ok(all)
    }
}

async fn read(db: &sql::Database) -> Result<Vec<Category>, Error> {
    let mut all: Vec<Category> = Vec::new();
    while all.len() < CATEGORIES_MAX {
        let after = all.last().map_or("", |category| &category.name); // "" is no category
        let Some(name) = store::product::category_after(db.read(), after).await? else {
            break;
        };
        let pictures = store::product::pictures(db.read(), &name, PICTURES_MAX).await?;
        let image_url = pictures.into_iter().find(|url| !url.is_empty());
        all.push(Category {
            name,
            image_url: image_url.unwrap_or_default(),
        });
    }
    // PostgreSQL goes by its collation, SQLite by bytes.
    all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

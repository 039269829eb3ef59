//! Lists of products: everything newest first, or what a query finds, best first.

use std::sync::Arc;

use serde::Serialize;
use sql::page;

use crate::domain::category::Category;
use crate::domain::product::Product;
use crate::domain::search::Query;
use crate::error::Error;
use crate::{App, store};

/// What to list. A page token is good for the same listing alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// What the shopper typed; empty lists everything.
    pub query: String,
    /// Only products of this category; empty lists all.
    pub category: String,
}

/// Part of a listing.
#[derive(Clone, Debug)]
pub struct Page {
    pub products: Vec<Product>,
    /// Asks for the next page; empty on the last.
    pub next_token: String,
    /// Every category of the catalog, to narrow the listing by.
    pub categories: Arc<[Category]>,
}

/// One page of a listing.
///
/// # Errors
/// [`Error::Page`] for a size below 0, or a token of another listing.
pub async fn list(app: &App, listing: &Listing, size: i32, token: &str) -> Result<Page, Error> {
    let size = page::size(size)?;
    let (products, next_token) = if listing.query.trim().is_empty() {
        newest(app, listing, size, token).await?
    } else {
        search(app, listing, size, token).await?
    };
    let categories = app.categories.list(&app.db).await?;
    Ok(Page {
        products,
        next_token,
        categories,
    })
}

type Part = (Vec<Product>, String);

async fn newest(app: &App, listing: &Listing, size: u64, token: &str) -> Result<Part, Error> {
    let after = app.page_signer.open(token, listing)?;
    let category = listing.category();
    let mut products = store::product::newest(app.db.read(), category, after, size + 1).await?;
    let more = page::cut(&mut products, size);
    let last = products
        .last()
        .filter(|_| more)
        .map(store::product::Position::of);
    let next_token = next_token(app, listing, last);
    Ok((products, next_token))
}

async fn search(app: &App, listing: &Listing, size: u64, token: &str) -> Result<Part, Error> {
    let after = app.page_signer.open(token, listing)?;
    let query = Query::parse(&listing.query);
    let category = listing.category();
    let mut finds = store::term::search(app.db.read(), &query, category, after, size + 1).await?;
    let more = page::cut(&mut finds, size);
    let last = finds.last().filter(|_| more).map(|find| find.rank);
    let products = finds.into_iter().map(|find| find.product).collect();
    let next_token = next_token(app, listing, last);
    Ok((products, next_token))
}

fn next_token(app: &App, listing: &Listing, last: Option<impl Serialize>) -> String {
    last.map(|last| app.page_signer.sign(&last, listing))
        .unwrap_or_default()
}

impl Listing {
    fn category(&self) -> Option<&str> {
        Some(self.category.as_str()).filter(|category| !category.is_empty())
    }
}

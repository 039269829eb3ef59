//! Reading and keeping products.

use std::collections::BTreeSet;

use ::store::retrying;
use prost::Message;

use crate::domain::product::{Draft, Product, ProductId, Revision, Sku};
use crate::domain::search;
use crate::error::Error;
use crate::event::{self, Change};
use crate::{App, store};
use command::{Answer, Command};

/// Products that were asked for, and the names under which there is none.
#[derive(Clone, Debug)]
pub struct Batch {
    pub products: Vec<Product>,
    pub missing_ids: BTreeSet<ProductId>,
    pub missing_skus: BTreeSet<Sku>,
}

/// One product.
///
/// # Errors
/// [`Error::ProductNotFound`] if there is none with the id.
pub async fn get(app: &App, id: ProductId) -> Result<Product, Error> {
    store::product::find(app.db.read(), id)
        .await?
        .ok_or(Error::ProductNotFound(id))
}

/// Many products at once, each once, in one statement. The caller bounds both.
pub async fn get_many(
    app: &App,
    ids: BTreeSet<ProductId>,
    skus: BTreeSet<Sku>,
) -> Result<Batch, Error> {
    let products = if ids.is_empty() && skus.is_empty() {
        Vec::new()
    } else {
        store::product::find_many(app.db.read(), ids.iter().copied(), &skus).await?
    };
    let mut batch = Batch {
        products,
        missing_ids: ids,
        missing_skus: skus,
    };
    for product in &batch.products {
        batch.missing_ids.remove(&product.id);
        batch.missing_skus.remove(&product.sku);
    }
    Ok(batch)
}

/// Puts a product into the catalog.
///
/// # Errors
/// [`Error::SkuTaken`] if another product has the SKU.
pub async fn create<R: From<Product> + Message + Default>(
    app: &App,
    command: &Command,
    draft: &Draft,
) -> Result<Answer<R>, Error> {
    retrying(|| create_once(app, command, draft)).await
}

async fn create_once<R: From<Product> + Message + Default>(
    app: &App,
    command: &Command,
    draft: &Draft,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let id = ProductId(app.clock.id());
    let product = Product::new(id, draft.clone(), now);
    store::product::insert(&txn, &product).await?;
    store::term::insert(&txn, [(id, &search::terms(&product))]).await?;
    event::push(&txn, &app.clock, &command.origin, &product, Change::Created).await?;
    let answer = command.seal(&txn, R::from(product)).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Changes a product. A revision that changes nothing tells nobody.
///
/// # Errors
/// [`Error::ProductNotFound`] if there is none with the id.
pub async fn update<R: From<Product> + Message + Default>(
    app: &App,
    command: &Command,
    id: ProductId,
    revision: &Revision,
) -> Result<Answer<R>, Error> {
    retrying(|| update_once(app, command, id, revision)).await
}

async fn update_once<R: From<Product> + Message + Default>(
    app: &App,
    command: &Command,
    id: ProductId,
    revision: &Revision,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let found = store::product::find(&txn, id).await?;
    let mut product = found.ok_or(Error::ProductNotFound(id))?;
    if product.revise(revision.clone(), now) {
        store::product::update(&txn, &product).await?;
        store::term::replace(&txn, id, &search::terms(&product)).await?;
        event::push(&txn, &app.clock, &command.origin, &product, Change::Updated).await?;
    }
    let answer = command.seal(&txn, R::from(product)).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Takes a product out of the catalog. Orders keep what they say of it.
///
/// # Errors
/// [`Error::ProductNotFound`] if there is none with the id.
pub async fn delete<R: Message + Default>(
    app: &App,
    command: &Command,
    id: ProductId,
) -> Result<Answer<R>, Error> {
    retrying(|| delete_once(app, command, id)).await
}

async fn delete_once<R: Message + Default>(
    app: &App,
    command: &Command,
    id: ProductId,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let found = store::product::find(&txn, id).await?;
    let mut product = found.ok_or(Error::ProductNotFound(id))?;
    store::product::delete(&txn, id).await?;
    product.version += 1; // the deletion is its last change
    event::push(&txn, &app.clock, &command.origin, &product, Change::Deleted).await?;
    let answer = command.seal(&txn, R::default()).await?;
    txn.commit().await?;
    Ok(answer)
}

//! Reading and keeping products.

use std::collections::BTreeSet;

use command::Work;

use crate::domain::product::{ListPrice, NewProduct, Product, ProductId, Revision, Sku};
use crate::domain::search;
use crate::error::Error;
use crate::event::{self, Change};
use crate::{App, store};

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
    let products = store::product::find_many(app.db.read(), ids.iter().copied(), &skus).await?;
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
pub async fn create(work: &mut Work<'_>, draft: &NewProduct) -> Result<Product, Error> {
    let mut product = Product::new(ProductId(work.id()), draft.clone(), work.now);
    let price = store::display_price::find(&work.txn, &product.sku).await?;
    product.display_price = price.map(|(price, _)| price);
    store::product::insert(&work.txn, &product).await?;
    store::term::insert(&work.txn, [(product.id, &search::terms(&product))]).await?;
    work.tell(event::changed(&product, Change::Created));
    Ok(product)
}

/// Changes a product. A revision that changes nothing tells nobody.
///
/// # Errors
/// [`Error::ProductNotFound`] if there is none with the id.
pub async fn update(
    work: &mut Work<'_>,
    id: ProductId,
    revision: &Revision,
) -> Result<Product, Error> {
    let found = store::product::find(&work.txn, id).await?;
    let mut product = found.ok_or(Error::ProductNotFound(id))?;
    if product.revise(revision.clone(), work.now) {
        store::product::update(&work.txn, &product).await?;
        store::term::replace(&work.txn, id, &search::terms(&product)).await?;
        work.tell(event::changed(&product, Change::Updated));
    }
    Ok(product)
}

/// Keeps a list price, and shows it on the product that has its SKU, now or later. One that comes
/// after a later one changes nothing.
///
/// # Errors
/// The database failed.
pub async fn show_price(work: &mut Work<'_>, list: &ListPrice) -> Result<(), Error> {
    let ListPrice {
        sku,
        price,
        version,
    } = list;
    let known = store::display_price::find(&work.txn, sku).await?;
    if known.is_some_and(|(_, known)| known >= *version) {
        return Ok(());
    }
    store::display_price::save(&work.txn, sku, *price, *version).await?;
    let products = store::product::find_many(&work.txn, [], [sku]).await?;
    if let Some(mut product) = products.into_iter().next()
        && product.show(*price, work.now)
    {
        store::product::update(&work.txn, &product).await?;
        work.tell(event::changed(&product, Change::Updated));
    }
    Ok(())
}

/// Takes a product out of the catalog. Orders keep what they say of it.
///
/// # Errors
/// [`Error::ProductNotFound`] if there is none with the id.
pub async fn delete(work: &mut Work<'_>, id: ProductId) -> Result<(), Error> {
    let found = store::product::find(&work.txn, id).await?;
    let mut product = found.ok_or(Error::ProductNotFound(id))?;
    store::product::delete(&work.txn, id).await?;
    product.version += 1; // the deletion is its last change
    work.tell(event::changed(&product, Change::Deleted));
    Ok(())
}

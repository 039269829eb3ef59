//! Reading and setting prices.

use std::collections::BTreeSet;

use command::Work;
use money::{Amount, Currency};

use crate::domain::price::Price;
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::store::untold::Untold;
use crate::{App, event, store};

/// A price as somebody wants it.
#[derive(Clone, Debug)]
pub struct Wish {
    pub sku: Sku,
    /// More than nothing.
    pub amount: Amount,
}

/// The price of a SKU.
///
/// # Errors
/// [`Error::PriceNotFound`] if it has none in the currency.
pub async fn get(app: &App, sku: Sku, currency: Currency) -> Result<Price, Error> {
    match store::price::find(app.db.read(), &sku, currency).await? {
        Some(price) => Ok(price),
        None => Err(Error::PriceNotFound { sku, currency }),
    }
}

/// The prices of the SKUs, each once, and those that have none, each once.
pub async fn get_many(
    app: &App,
    skus: BTreeSet<Sku>,
    currency: Currency,
) -> Result<(Vec<Price>, BTreeSet<Sku>), Error> {
    if skus.is_empty() {
        return Ok((Vec::new(), skus));
    }
    let prices = store::price::find_many(app.db.read(), &skus, currency).await?;
    let mut missing = skus;
    missing.retain(|sku| !prices.iter().any(|price| price.sku == *sku));
    Ok((prices, missing))
}

/// Sets a price, and notes that the catalog is to be told. Setting it to what it is changes
/// nothing and tells nobody.
///
/// # Errors
/// The database failed.
pub async fn set(work: &mut Work<'_>, wish: &Wish) -> Result<Price, Error> {
    let previous = store::price::find(&work.txn, &wish.sku, wish.amount.currency()).await?;
    if let Some(price) = &previous
        && price.amount == wish.amount
    {
        return Ok(price.clone());
    }
    let price = Price {
        sku: wish.sku.clone(),
        amount: wish.amount,
        version: store::price::version(&work.txn, &wish.sku).await? + 1,
        updated_at: work.now,
    };
    store::price::save(&work.txn, &price).await?;
    let untold = Untold {
        sku: price.sku.clone(),
        version: price.version,
    };
    store::untold::note(&work.txn, &untold).await?;
    work.tell(event::price_changed(&price, previous.as_ref()));
    Ok(price)
}

//! Reading and setting prices.

use std::collections::BTreeSet;

use ::store::retrying;

use crate::domain::money::{Amount, Currency};
use crate::domain::price::Price;
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::{App, event, store};
use command::{Answer, Command};

/// A price as somebody wants it.
#[derive(Clone, Debug)]
pub struct Wish {
    pub sku: Sku,
    pub currency: Currency,
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

/// Sets a price. Setting it to what it is changes nothing and tells nobody.
pub async fn set<R: From<Price> + prost::Message + Default>(
    app: &App,
    command: &Command,
    wish: &Wish,
) -> Result<Answer<R>, Error> {
    retrying(|| set_once(app, command, wish)).await
}

async fn set_once<R: From<Price> + prost::Message + Default>(
    app: &App,
    command: &Command,
    wish: &Wish,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let previous = store::price::find(&txn, &wish.sku, wish.currency).await?;
    let price = match previous {
        Some(price) if price.amount == wish.amount => price,
        previous => {
            let price = Price {
                sku: wish.sku.clone(),
                currency: wish.currency,
                amount: wish.amount,
                version: store::price::version(&txn, &wish.sku).await? + 1,
                updated_at: now,
            };
            store::price::save(&txn, &price).await?;
            let fact = event::price_changed(&price, previous.as_ref());
            let fact = event::fact(&fact, price.version);
            events::outbox::push(&txn, &app.clock, crate::NAME, &command.origin, fact).await?;
            price
        }
    };
    let answer = command.seal(&txn, R::from(price)).await?;
    txn.commit().await?;
    Ok(answer)
}

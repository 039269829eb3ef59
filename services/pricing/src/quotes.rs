//! Quotes: reads what the rule in [`crate::domain::quote`] needs, and applies it.

use std::collections::{BTreeMap, BTreeSet};

use money::Currency;

use crate::domain::quote::{self, Item, Quote};
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::promotions::PROMOTIONS_PER_TARGET_MAX;
use crate::{App, store};

/// Whether what has no price may be left out of a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpriced {
    /// It fails the quote.
    Fails,
    /// The rest is quoted.
    LeftOut,
}

/// What the items cost now, in two statements however many they are.
///
/// # Errors
/// [`Error::Quote`] naming the SKUs without a price, if they may not be left out, or when the sum is too large.
pub async fn quote(
    app: &App,
    mut items: Vec<Item>,
    currency: Currency,
    unpriced: Unpriced,
) -> Result<Quote, Error> {
    let now = app.clock.now();
    let skus: BTreeSet<&Sku> = items.iter().map(|item| &item.sku).collect();
    let targets = skus.len() as u64 + 1; // everything is one more
    let limit = targets * PROMOTIONS_PER_TARGET_MAX;
    let (prices, promotions) = tokio::try_join!(
        store::price::find_many(app.db.read(), skus.iter().copied(), currency),
        store::promotion::running(app.db.read(), skus.iter().copied(), now, limit),
    )?;
    let prices: BTreeMap<_, _> = prices
        .into_iter()
        .map(|price| (price.sku, price.amount))
        .collect();
    if unpriced == Unpriced::LeftOut {
        items.retain(|item| prices.contains_key(&item.sku));
    }
    Ok(quote::quote(currency, items, &prices, &promotions, now)?)
}

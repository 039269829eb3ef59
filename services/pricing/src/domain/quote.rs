//! Quotes: what a list of items costs now.
//!
//! The rule, in full: a line's amount is unit price × quantity. Each line gets the single best
//! promotion that applies to it: promotions never add up, and only the line's own pieces count
//! towards `min_quantity`. A percentage rounds half up per line. Lines − discount = total, to the
//! minor unit.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use money::{Amount, Currency};

use crate::domain::promotion::{self, Promotion};
use crate::domain::sku::Sku;

/// So many pieces of one SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub sku: Sku,
    pub quantity: u32,
}

/// One item with what it costs before any discount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub item: Item,
    pub unit_price: Amount,
    pub amount: Amount,
}

/// The lines in the order of the items, and what is left to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub lines: Vec<Line>,
    pub discount: Amount,
    pub total: Amount,
}

/// Why there is no quote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    #[error("no price in {currency} for {}", list(.skus))]
    NoPrice { skus: Vec<Sku>, currency: Currency },
    #[error("the sum is larger than an amount can be")]
    Overflow,
}

/// How many SKUs without a price a refusal names: one that named a whole cart would be too long for a header.
const NAMED_MAX: usize = 10;

/// The first of them.
pub fn named(skus: &[Sku]) -> Vec<&str> {
    skus.iter().take(NAMED_MAX).map(Sku::as_str).collect()
}

fn list(skus: &[Sku]) -> String {
    let named = named(skus).join(", ");
    match skus.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Prices the items at `now`.
pub fn quote(
    currency: Currency,
    items: Vec<Item>,
    prices: &BTreeMap<Sku, Amount>,
    promotions: &[Promotion],
    now: DateTime<Utc>,
) -> Result<Quote, QuoteError> {
    all_priced(&items, prices, currency)?;
    let mut lines = Vec::with_capacity(items.len());
    let mut sum = Amount::zero(currency);
    let mut discount = Amount::zero(currency);
    for item in items {
        let unit_price = prices[&item.sku];
        let amount = unit_price
            .times(item.quantity)
            .ok_or(QuoteError::Overflow)?;
        sum = sum.plus(amount).ok_or(QuoteError::Overflow)?;
        if let Some(percent) = promotion::best(promotions, &item.sku, item.quantity, now) {
            let off = amount.percent(percent);
            discount = discount.plus(off).ok_or(QuoteError::Overflow)?;
        }
        lines.push(Line {
            item,
            unit_price,
            amount,
        });
    }
    let total = sum
        .minus(discount)
        .expect("no line's discount is larger than the line");
    Ok(Quote {
        lines,
        discount,
        total,
    })
}

/// Refuses when a SKU has no price, naming each such SKU once.
fn all_priced(
    items: &[Item],
    prices: &BTreeMap<Sku, Amount>,
    currency: Currency,
) -> Result<(), QuoteError> {
    let skus: BTreeSet<&Sku> = items
        .iter()
        .map(|item| &item.sku)
        .filter(|sku| !prices.contains_key(*sku))
        .collect();
    if skus.is_empty() {
        return Ok(());
    }
    Err(QuoteError::NoPrice {
        skus: skus.into_iter().cloned().collect(),
        currency,
    })
}

#[cfg(test)]
mod tests;

//! What is suggested before what.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::ProductId;
use crate::domain::product::Sku;

/// Something to suggest, and how often it was bought: with something else, or at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub sku: Sku,
    /// None while the catalog has not told of it.
    pub product_id: Option<ProductId>,
    /// In how many orders, at least one.
    pub orders: i64,
}

/// Something suggested.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    pub sku: Sku,
    pub product_id: Option<ProductId>,
    /// At least 1 for what was bought together, below 1 for what only sells well; it never rises from
    /// one to the next.
    pub score: f64,
}

/// Up to `limit` suggestions: first what was bought `together`, by the number of orders, in which
/// whoever is named several times has the sum; then the `best` sellers, by the number of theirs. Nothing
/// comes twice and nothing that is to be left out; of equals comes first whose SKU does.
pub fn rank(
    together: Vec<Candidate>,
    best: Vec<Candidate>,
    without: &BTreeSet<Sku>,
    limit: usize,
) -> Vec<Ranked> {
    let mut sums: BTreeMap<Sku, Candidate> = BTreeMap::new();
    for candidate in together {
        match sums.get_mut(&candidate.sku) {
            Some(known) => known.orders = known.orders.saturating_add(candidate.orders),
            None => drop(sums.insert(candidate.sku.clone(), candidate)),
        }
    }
    let fill = best.into_iter().map(|best| (best.sku.clone(), best));
    let mut fill: BTreeMap<Sku, Candidate> = fill.collect();
    fill.retain(|sku, _| !sums.contains_key(sku));
    let together = strongest_first(sums).map(|it| (it.orders as f64, it));
    let fill = strongest_first(fill).map(|it| (below_one(it.orders), it));
    let all = together
        .chain(fill)
        .filter(|(_, it)| !without.contains(&it.sku));
    let ranked = all.map(|(score, it)| Ranked {
        sku: it.sku,
        product_id: it.product_id,
        score,
    });
    ranked.take(limit).collect()
}

fn strongest_first(candidates: BTreeMap<Sku, Candidate>) -> impl Iterator<Item = Candidate> {
    let mut all: Vec<Candidate> = candidates.into_values().collect(); // by SKU
    all.sort_by_key(|candidate| Reverse(candidate.orders)); // which stays so among equals
    all.into_iter()
}

/// Rises with the number of orders, and stays below what one order together is worth.
fn below_one(orders: i64) -> f64 {
    1.0 - 1.0 / (orders as f64 + 1.0)
}

#[cfg(test)]
mod tests;

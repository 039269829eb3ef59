//! The rule beside a naive one, which looks at every order anew.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::basket;

fn sku(number: u8) -> Sku {
    Sku::new(format!("SKU-{number}"))
}

fn candidate(number: u8, orders: i64) -> Candidate {
    Candidate {
        sku: sku(number),
        product_id: None,
        orders,
    }
}

fn skus(ranked: &[Ranked]) -> Vec<&str> {
    ranked.iter().map(|it| it.sku.as_str()).collect()
}

/// row: D17
#[test]
fn what_was_bought_together_comes_before_what_sells_best_and_equals_by_sku() {
    let together = || vec![candidate(3, 1), candidate(2, 1), candidate(1, 2)];
    let best = || vec![candidate(5, 900), candidate(1, 800), candidate(4, 900)];
    let nothing = BTreeSet::new();
    let all = rank(together(), best(), &nothing, 20);
    assert_eq!(skus(&all), ["SKU-1", "SKU-2", "SKU-3", "SKU-4", "SKU-5"]);
    let scores: Vec<f64> = all.iter().map(|it| it.score).collect();
    assert_eq!(scores[..3], [2.0, 1.0, 1.0]);
    assert!(scores[3] < 1.0 && scores[3] == scores[4], "{scores:?}");
    assert_eq!(rank(together(), best(), &nothing, 2), all[..2]);
    assert_eq!(rank(together(), best(), &nothing, 0), []);
    let without = BTreeSet::from([sku(1), sku(5), sku(9)]);
    let some = rank(together(), best(), &without, 20);
    assert_eq!(skus(&some), ["SKU-2", "SKU-3", "SKU-4"]);
}

/// row: D17
#[test]
fn whoever_was_bought_with_several_has_the_sum() {
    let together = vec![candidate(1, 2), candidate(2, 3), candidate(1, 2)];
    let all = rank(together, vec![], &BTreeSet::new(), 20);
    assert_eq!(skus(&all), ["SKU-1", "SKU-2"]);
    assert_eq!(all[0].score, 4.0);
}

/// What a person may like, or what goes with some SKUs, by going through all orders.
fn naive(orders: &[Vec<u8>], seeds: &BTreeSet<u8>, limit: usize) -> Vec<String> {
    let (mut with, mut all): (HashMap<u8, i64>, HashMap<u8, i64>) = Default::default();
    for order in orders {
        let mut seen = Vec::new();
        for one in order {
            if !seen.contains(one) && seen.len() < basket::SKUS_MAX {
                seen.push(*one);
            }
        }
        for one in &seen {
            *all.entry(*one).or_default() += 1;
            for seed in &seen {
                if seed != one && seeds.contains(seed) {
                    *with.entry(*one).or_default() += 1;
                }
            }
        }
    }
    let mut ranked: Vec<(i64, i64, String)> = all
        .iter()
        .filter(|(one, _)| !seeds.contains(one))
        .map(|(one, count)| {
            let together = with.get(one).copied().unwrap_or_default();
            let best = if together > 0 { 0 } else { *count };
            (-together, -best, sku(*one).into_string())
        })
        .collect();
    ranked.sort();
    ranked
        .into_iter()
        .take(limit)
        .map(|(.., sku)| sku)
        .collect()
}

/// The same by what the tables keep: a count for each SKU, and one for each pair.
fn kept(orders: &[Vec<u8>], seeds: &BTreeSet<u8>, limit: usize) -> Vec<Ranked> {
    let (mut all, mut pairs): (BTreeMap<Sku, i64>, BTreeMap<(Sku, Sku), i64>) = Default::default();
    for order in orders {
        let counted = basket::counted(order.iter().map(|number| sku(*number)));
        for (one, other) in basket::pairs(&counted) {
            *pairs.entry((one.clone(), other.clone())).or_default() += 1;
        }
        for one in counted {
            *all.entry(one).or_default() += 1;
        }
    }
    let seeds: BTreeSet<Sku> = seeds.iter().map(|number| sku(*number)).collect();
    let of = |sku, orders| Candidate {
        sku,
        product_id: None,
        orders,
    };
    let together = pairs
        .into_iter()
        .filter(|((one, _), _)| seeds.contains(one))
        .map(|((_, other), orders)| of(other, orders));
    let best = all.into_iter().map(|(sku, orders)| of(sku, orders));
    rank(together.collect(), best.collect(), &seeds, limit)
}

proptest! {
    /// row: D17
    #[test]
    fn counts_rank_as_going_through_all_orders_does(
        orders in vec(vec(0_u8..24, 0..40), 0..30),
        seeds in proptest::collection::btree_set(0_u8..24, 0..5),
        limit in 0_usize..25,
    ) {
        let ranked = kept(&orders, &seeds, limit);
        prop_assert_eq!(skus(&ranked), naive(&orders, &seeds, limit));
        prop_assert!(ranked.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert!(ranked.iter().all(|it| it.score > 0.0));
    }
}

//! What of an order counts.

use std::collections::BTreeSet;

use crate::domain::product::Sku;

/// SKUs of one order that count, the first it names; with what each was bought then makes at most 240
/// pairs.
pub const SKUS_MAX: usize = 16;

/// The SKUs of an order that count, each once: how many pieces of it were bought does not matter. They
/// come in their order, which is that in which their rows are locked.
pub fn counted(skus: impl IntoIterator<Item = Sku>) -> BTreeSet<Sku> {
    let mut counted = BTreeSet::new();
    for sku in skus {
        if counted.len() == SKUS_MAX {
            break;
        }
        counted.insert(sku);
    }
    counted
}

/// Each of them with each other, both ways.
pub fn pairs(skus: &BTreeSet<Sku>) -> impl Iterator<Item = (&Sku, &Sku)> {
    let with_all = |sku| skus.iter().map(move |other| (sku, other));
    skus.iter()
        .flat_map(with_all)
        .filter(|(sku, other)| sku != other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<Sku> {
        counted(
            numbers
                .into_iter()
                .map(|number| Sku::new(format!("{number:03}"))),
        )
    }

    /// row: D17
    #[test]
    fn the_first_skus_of_an_order_count_each_once() {
        assert_eq!(order([]).len(), 0);
        assert_eq!(order([7, 7, 3, 7]), order([3, 7]));
        let many = order((0..100).rev().flat_map(|number| [number, number]));
        assert_eq!(many, order(84..100));
        assert_eq!(many.len(), SKUS_MAX);
    }

    /// row: D17
    #[test]
    fn a_pair_is_two_different_skus_in_either_order() {
        assert_eq!(pairs(&order([1])).count(), 0);
        let two = order([1, 2]);
        let (one, other) = (Sku::new("001"), Sku::new("002"));
        let found: Vec<_> = pairs(&two).collect();
        assert_eq!(found, [(&one, &other), (&other, &one)]);
        assert_eq!(pairs(&order(0..100)).count(), SKUS_MAX * (SKUS_MAX - 1));
    }
}

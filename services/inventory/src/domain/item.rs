//! What is counted: SKUs, quantities, and the list of both that an order asks for.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

/// A stock keeping unit, as the catalog names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku(String);

impl Sku {
    /// Takes a name that the contract has already bounded.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The order a reservation belongs to; also the reservation's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub Uuid);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of pieces, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i32);

impl Quantity {
    /// The most pieces of one SKU that an order may hold.
    pub const MAX: i32 = 100;

    /// Takes 1 to [`Quantity::MAX`] pieces; anything else is no quantity.
    pub fn new(pieces: i32) -> Option<Self> {
        (1..=Self::MAX).contains(&pieces).then_some(Self(pieces))
    }

    /// The number, as the contract counts it.
    pub fn pieces(self) -> i32 {
        self.0
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0.into()
    }
}

/// Why a list of items is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemsError {
    /// Too few or too many pieces of this SKU, repeats counted together.
    #[error("an order takes 1 to {max} pieces of {0}", max = Quantity::MAX)]
    Quantity(Sku),
}

/// What an order asks for: each SKU once, in the order in which rows are locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items(Vec<(Sku, Quantity)>);

impl Items {
    /// Sorts the list and adds up the repeats of a SKU.
    ///
    /// # Errors
    /// [`ItemsError::Quantity`] where the sum for a SKU is no legal [`Quantity`].
    pub fn collect(items: impl IntoIterator<Item = (Sku, i32)>) -> Result<Self, ItemsError> {
        let mut sums = BTreeMap::<Sku, i32>::new();
        for (sku, pieces) in items {
            if pieces < 1 {
                return Err(ItemsError::Quantity(sku));
            }
            let sum = sums.entry(sku).or_default();
            *sum = sum.saturating_add(pieces);
        }
        sums.into_iter()
            .map(|(sku, sum)| match Quantity::new(sum) {
                Some(quantity) => Ok((sku, quantity)),
                None => Err(ItemsError::Quantity(sku)),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Self)
    }

    /// The items, in the order of their SKUs.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &(Sku, Quantity)> {
        self.0.iter()
    }

    /// The SKUs, in order.
    pub fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.0.iter().map(|(sku, _)| sku)
    }

    /// Whether nothing is asked for: the state of an order that was released first.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(list: &[(&str, i32)]) -> Result<Items, ItemsError> {
        Items::collect(list.iter().map(|(sku, pieces)| (Sku::new(*sku), *pieces)))
    }

    #[test]
    fn repeats_add_up_and_order_does_not_matter() {
        assert_eq!(
            items(&[("b", 1), ("a", 2), ("b", 3)]),
            items(&[("a", 2), ("b", 4)])
        );
    }

    /// row: S-20
    #[test]
    fn a_quantity_has_bounds_also_when_summed() {
        for list in [
            &[("a", 0)][..],
            &[("a", -1)],
            &[("a", 101)],
            &[("a", 60), ("a", 60)],
            &[("a", i32::MAX), ("a", i32::MAX)],
            &[("a", 2), ("a", -1)],
        ] {
            assert_eq!(
                items(list),
                Err(ItemsError::Quantity(Sku::new("a"))),
                "{list:?}"
            );
        }
    }
}

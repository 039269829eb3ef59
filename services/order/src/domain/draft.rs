//! What a customer asks for, before prices and before an id: at most 100 different SKUs, 100 pieces of each.
//!
//! A SKU named twice is one line with the sum of its pieces, in the place of its first mention: a cart
//! that lists the same lamp twice means two lamps, and promotions, stock and the 100-piece limit must
//! see them together.

use money::{Amount, Currency};

use crate::domain::id::CustomerId;
use crate::domain::order::Line;
use crate::domain::payment_method::PaymentMethod;

/// Most different SKUs in one order.
pub const LINES_MAX: usize = 100;
/// Most pieces of one SKU in one order.
pub const PIECES_MAX: i32 = 100;

/// One SKU and how many pieces of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is bought.
    pub sku: String,
    /// 1 to [`PIECES_MAX`].
    pub quantity: i32,
}

/// An order somebody wants to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who buys.
    pub customer_id: CustomerId,
    /// What, one entry per SKU.
    pub items: Vec<Item>,
    /// How it is to be paid.
    pub payment_method: PaymentMethod,
    /// None: the currency the shop is configured for.
    pub currency: Option<Currency>,
}

/// What a draft may not be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadDraft {
    /// Nothing is asked for.
    #[error("an order needs at least one item")]
    Empty,
    /// More different SKUs than [`LINES_MAX`].
    #[error("an order has at most {LINES_MAX} different items")]
    TooManyLines,
    /// A quantity outside 1 to [`PIECES_MAX`], all mentions of the SKU together.
    #[error("quantity of {0} must be between 1 and {PIECES_MAX} pieces")]
    Pieces(String),
}

/// The prices one order is placed at, as pricing quoted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// One line per item of the draft, in its order.
    pub lines: Vec<Line>,
    /// What promotions take off the sum of the lines.
    pub discount: Amount,
    /// What is to be paid.
    pub total: Amount,
}

/// A quote that does not add up or does not answer what was asked: nobody is charged for it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the quote does not add up: {0}")]
pub struct BadQuote(pub &'static str);

/// Sums up mentions of the same SKU and checks the limits.
pub fn merge(items: impl IntoIterator<Item = Item>) -> Result<Vec<Item>, BadDraft> {
    let mut merged: Vec<Item> = Vec::new();
    for item in items {
        if !(1..=PIECES_MAX).contains(&item.quantity) {
            return Err(BadDraft::Pieces(item.sku));
        }
        if let Some(known) = merged.iter_mut().find(|known| known.sku == item.sku) {
            // Both are at most PIECES_MAX here, so the sum cannot wrap.
            known.quantity += item.quantity;
            if known.quantity > PIECES_MAX {
                return Err(BadDraft::Pieces(item.sku));
            }
        } else if merged.len() == LINES_MAX {
            return Err(BadDraft::TooManyLines);
        } else {
            merged.push(item);
        }
    }
    if merged.is_empty() {
        Err(BadDraft::Empty)
    } else {
        Ok(merged)
    }
}

impl Quote {
    /// Recomputes the quote from its own lines: the total an order is charged is never taken on trust.
    pub fn check(&self, items: &[Item]) -> Result<(), BadQuote> {
        let asked = items.iter().map(|item| (item.sku.as_str(), item.quantity));
        let quoted = self
            .lines
            .iter()
            .map(|line| (line.sku.as_str(), line.quantity));
        if !asked.eq(quoted) {
            return Err(BadQuote("it quotes other items than were asked for"));
        }
        let mut sum = Amount::zero(self.total.currency());
        for line in &self.lines {
            let quantity = u32::try_from(line.quantity).ok();
            let amount = quantity.and_then(|quantity| line.unit_price.times(quantity));
            if amount != Some(line.amount) {
                return Err(BadQuote("a line is not its unit price times its pieces"));
            }
            let with = sum.plus(line.amount);
            sum = with.ok_or(BadQuote(
                "the lines have no sum in the currency of the total",
            ))?;
        }
        let left = sum.minus(self.discount);
        if left.ok_or(BadQuote("the discount is not part of the sum"))? != self.total {
            return Err(BadQuote("the lines less the discount are not the total"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

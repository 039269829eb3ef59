//! Promotions: a percentage off one SKU or off everything, for a time, from a quantity on.

use chrono::{DateTime, Utc};
use money::Percent;
use uuid::Uuid;

use crate::domain::sku::Sku;

/// What a promotion is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromotionTarget {
    Everything,
    Sku(Sku),
}

/// When a promotion runs: from its start until just before its end, for ever without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
}

/// A window that ends before or as it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a promotion must end after it starts")]
pub struct EmptyWindow;

impl Window {
    /// Refuses a window in which nothing could ever run.
    pub fn new(
        starts_at: DateTime<Utc>,
        ends_at: Option<DateTime<Utc>>,
    ) -> Result<Self, EmptyWindow> {
        if ends_at.is_some_and(|ends_at| ends_at <= starts_at) {
            return Err(EmptyWindow);
        }
        Ok(Self { starts_at, ends_at })
    }

    #[must_use]
    pub fn starts_at(&self) -> DateTime<Utc> {
        self.starts_at
    }

    #[must_use]
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.ends_at
    }

    #[must_use]
    pub fn contains(&self, now: DateTime<Utc>) -> bool {
        self.starts_at <= now && self.ends_at.is_none_or(|ends_at| now < ends_at)
    }
}

/// A percentage off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    pub id: Uuid,
    pub target: PromotionTarget,
    pub percent: Percent,
    /// Pieces that a line must have; 0 and 1 ask for none in particular.
    pub min_quantity: u32,
    pub window: Window,
}

impl Promotion {
    /// Whether it takes something off a line of `quantity` pieces of `sku` at `now`.
    #[must_use]
    pub fn applies(&self, sku: &Sku, quantity: u32, now: DateTime<Utc>) -> bool {
        let targeted = match &self.target {
            PromotionTarget::Everything => true,
            PromotionTarget::Sku(target) => target == sku,
        };
        targeted && quantity >= self.min_quantity && self.window.contains(now)
    }
}

/// The one promotion a line gets: promotions never add up, the highest percentage wins.
#[must_use]
pub fn best(
    promotions: &[Promotion],
    sku: &Sku,
    quantity: u32,
    now: DateTime<Utc>,
) -> Option<Percent> {
    promotions
        .iter()
        .filter(|promotion| promotion.applies(sku, quantity, now))
        .map(|promotion| promotion.percent)
        .max()
}

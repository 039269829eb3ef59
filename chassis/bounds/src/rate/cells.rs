//! The budgets of one limit, by whose they are. `governor` counts and has two words, yes and no; here a place can also
//! be looked for without being taken, and given back.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use governor::clock::{Clock as _, DefaultClock};
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter};
use uuid::Uuid;

use crate::address::ClientAddress;
use crate::client::Client;

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cell {
    Client(Client),
    /// One of a person's sessions.
    Session(Uuid),
    Network(ClientAddress),
    Crowd(u64),
}

/// What each has left of one limit.
pub(super) struct Cells {
    limiter: RateLimiter<Step, Kept, DefaultClock>,
    kept: Kept,
    interval: Nanos,
}

impl Cells {
    /// `burst` places, each of which is free again after `interval`.
    pub(super) fn new(interval: Duration, burst: NonZeroU32) -> Self {
        let quota = Quota::with_period(interval).expect("it is at least a nanosecond");
        let kept = Kept::default();
        let clock = DefaultClock::default();
        Self {
            limiter: RateLimiter::new(quota.allow_burst(burst), kept.clone(), clock),
            kept,
            interval: interval.into(),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// The time after which there is one.
    pub(super) fn take(&self, cell: Cell) -> Result<(), Duration> {
        self.step(Step { cell, takes: true })
    }

    /// Whether there would be a place.
    ///
    /// # Errors
    /// As [`Cells::take`].
    pub(super) fn look(&self, cell: Cell) -> Result<(), Duration> {
        match self.kept.0.contains_key(&cell) {
            true => self.step(Step { cell, takes: false }),
            false => Ok(()), // and looking makes no entry
        }
    }

    fn step(&self, step: Step) -> Result<(), Duration> {
        self.limiter.check_key(&step).map_err(|until| {
            let now = DefaultClock::default().now();
            until.wait_time_from(now)
        })
    }

    /// Gives back a place that was taken. Never makes a budget larger: what is kept is when it will be whole, and
    /// that comes sooner by what the place had put it off.
    pub(super) fn give_back(&self, cell: Cell) {
        let sooner = |whole: Option<Nanos>| {
            let whole = whole.ok_or(())?;
            Ok(((), whole.saturating_sub(self.interval)))
        };
        // If it was forgotten meanwhile, it is whole.
        let _: Result<(), ()> = self.kept.0.measure_and_replace(&cell, sooner);
    }

    pub(super) fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Forgets those that are whole again.
    pub(super) fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// What the limiter is asked: a place of whom, and whether to take it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Step {
    cell: Cell,
    takes: bool,
}

/// What the limiter keeps, where it can be reached beside it.
#[derive(Clone, Default)]
struct Kept(Arc<DashMapStateStore<Cell, RandomState>>);

impl StateStore for Kept {
    type Key = Step;

    fn measure_and_replace<T, F, E>(&self, step: &Step, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if step.takes {
            return self.0.measure_and_replace(&step.cell, measure);
        }
        // What is refused is not stored, so whatever the answer is, it is taken out as a refusal.
        let look = |whole| Err::<(Infallible, Nanos), _>(measure(whole).map(|(answer, _)| answer));
        match self.0.measure_and_replace(&step.cell, look) {
            Ok(never) => match never {},
            Err(answer) => answer,
        }
    }
}

impl ShrinkableKeyedStateStore<Step> for Kept {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn shrink_to_fit(&self) {
        self.0.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

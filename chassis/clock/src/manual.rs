//! A clock that a test moves by hand, with repeatable randomness.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::{Clock, Source};

/// Each manual clock of a process draws from a seed of its own, so that two never make the same id.
static SEED: AtomicU64 = AtomicU64::new(1);

/// Moves the clock it was made with.
#[derive(Clone, Debug)]
pub struct Manual(Arc<State>);

#[derive(Debug)]
pub(crate) struct State(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    now: DateTime<Utc>,
    random: StdRng,
}

impl Manual {
    /// Makes a clock that stands at `start`, and the handle that moves it.
    pub fn new(start: DateTime<Utc>) -> (Clock, Manual) {
        let seed = SEED.fetch_add(1, Ordering::Relaxed);
        let random = StdRng::seed_from_u64(seed);
        let state = Arc::new(State(Mutex::new(Inner { now: start, random })));
        (Clock(Source::Manual(Arc::clone(&state))), Manual(state))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.lock().now += by;
    }

    /// Sets the clock, backwards too: the clocks of machines do that.
    pub fn set(&self, now: DateTime<Utc>) {
        self.0.lock().now = now;
    }
}

impl State {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.lock().now
    }

    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        self.lock().random.fill_bytes(bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

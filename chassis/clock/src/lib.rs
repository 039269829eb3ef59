//! The only reader of the time of day, maker of ids and source of randomness.
//!
//! Everything else takes a [`Clock`], so that tests and simulations repeat. It does not measure
//! durations: deadlines and timeouts run on the runtime's monotonic clock.

mod manual;

pub use manual::Manual;

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use rand::Rng;
use uuid::{Builder, Uuid};

/// Tells the time of day, makes ids and draws randomness; cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<manual::State>),
}

impl Clock {
    /// Returns the clock of the machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Returns now, cut to microseconds: PostgreSQL keeps no more, and a value that was stored
    /// must equal the one that was answered.
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that reads it"
            )]
            Source::System => Utc::now(),
            Source::Manual(state) => state.now(),
        };
        now.trunc_subsecs(6)
    }

    /// Returns a new UUIDv7 of [`Clock::now`]: ids made later sort later, to the millisecond.
    pub fn id(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }

    /// Returns unpredictable bytes fit for secrets; a manual clock's are repeatable instead.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that draws"
            )]
            Source::System => rand::rng().fill_bytes(&mut bytes),
            Source::Manual(state) => state.fill(&mut bytes),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_no_more_than_microseconds() {
        for _ in 0..100 {
            assert_eq!(Clock::system().now().timestamp_subsec_nanos() % 1000, 0);
        }
    }

    #[test]
    fn ids_are_version_seven_distinct_and_sorted_by_time() {
        let (clock, manual) = Manual::new(Clock::system().now());
        let mut ids = Vec::new();
        for _ in 0..100 {
            ids.push(clock.id());
            manual.advance(std::time::Duration::from_millis(1));
        }
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(ids, sorted);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn random_bytes_differ_from_draw_to_draw() {
        assert_ne!(Clock::system().random::<16>(), Clock::system().random());
        let (clock, _manual) = Manual::new(Clock::system().now());
        assert_ne!(clock.random::<16>(), clock.random());
    }
}

//! How often a fact is tried, and when.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;

/// A fact that failed so often is a dead letter.
pub(crate) const TRIES_MAX: u32 = 5;
/// The pause after the first failure; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// When a fact that failed so often is tried next, a fifth earlier or later, so that those that failed together part;
/// none after the last try.
pub(crate) fn next(tries: u32, clock: &Clock) -> Option<DateTime<Utc>> {
    if tries >= TRIES_MAX {
        return None;
    }
    let pause = PAUSE_FIRST * 2_u32.pow(tries.saturating_sub(1));
    let [random] = clock.random();
    let hundredths = 80 + u32::from(random) * 40 / 255;
    let pause = TimeDelta::from_std(pause * hundredths / 100).unwrap_or(TimeDelta::MAX);
    Some(clock.now() + pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end_with_the_last_try() {
        let (clock, _) = clock::Manual::new(DateTime::UNIX_EPOCH);
        let pause = |tries| next(tries, &clock).map(|at| (at - clock.now()).num_milliseconds());
        for (tries, about) in [(1, 100), (2, 200), (3, 400), (4, 800)] {
            let pause = pause(tries).unwrap();
            assert!((about * 4 / 5..=about * 6 / 5).contains(&pause), "{pause}");
        }
        assert_eq!(pause(TRIES_MAX), None);
    }
}

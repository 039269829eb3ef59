//! Slows down the guessing of passwords: a few failures a minute per address, whether it has an
//! account or not. Kept in memory, so each replica counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::email::EmailKey;
use crate::error::Error;

/// Addresses that are counted at once at most.
const ADDRESSES_MAX: usize = 100_000;
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Counts failed sign-ins per address: so many at once, refilled evenly over a minute.
#[derive(Debug)]
pub struct Throttle {
    failures_per_minute: u32,
    /// For each address the time at which it has its full allowance again.
    full_at: Mutex<HashMap<EmailKey, DateTime<Utc>>>,
}

impl Throttle {
    /// Allows that many failures a minute; 0 means any number.
    pub fn new(failures_per_minute: u32) -> Self {
        Self {
            failures_per_minute,
            full_at: Mutex::default(),
        }
    }

    /// Counts an attempt as failed before it is made, so that many at once gain nothing.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] when the address has no allowance left.
    pub fn admit(&self, address: &EmailKey, now: DateTime<Utc>) -> Result<(), Error> {
        let Some(cost) = self.cost() else {
            return Ok(());
        };
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= ADDRESSES_MAX && !full_at.contains_key(address) {
            full_at.retain(|_, full_at| *full_at > now);
            if full_at.len() >= ADDRESSES_MAX {
                return Err(Error::TooManyAttempts {
                    retry_after: Duration::from_secs(60),
                });
            }
        }
        // Further ahead than the window is a clock that was set back: it locks nobody out.
        let credible = full_at
            .get(address)
            .filter(|full_at| **full_at <= now + WINDOW);
        let spent = credible.copied().unwrap_or(now).max(now) + cost;
        let excess = spent - now - WINDOW;
        if excess > TimeDelta::zero() {
            let retry_after = excess.to_std().unwrap_or_default();
            return Err(Error::TooManyAttempts { retry_after });
        }
        full_at.insert(address.clone(), spent);
        Ok(())
    }

    /// Forgets the failures of an address whose owner has signed in.
    pub fn succeeded(&self, address: &EmailKey) {
        self.full_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(address);
    }

    /// Takes back an attempt at which no password was compared.
    pub fn refund(&self, address: &EmailKey) {
        let Some(cost) = self.cost() else { return };
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full_at) = full_at.get_mut(address) {
            *full_at -= cost;
        }
    }

    fn cost(&self) -> Option<TimeDelta> {
        WINDOW.checked_div(i32::try_from(self.failures_per_minute).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::Email;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn address(name: &str) -> EmailKey {
        Email::new(&format!("{name}@example.test")).key()
    }

    /// row: S-08
    #[test]
    fn an_address_backs_off_after_five_failures_and_alone() {
        let throttle = Throttle::new(5);
        for _ in 0..5 {
            throttle.admit(&address("ada"), at(0)).unwrap();
        }
        let refused = throttle.admit(&address("ada"), at(0)).unwrap_err();
        let Error::TooManyAttempts { retry_after } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(retry_after, Duration::from_secs(12));
        throttle.admit(&address("grace"), at(0)).unwrap();
        throttle.admit(&address("ada"), at(12)).unwrap();
        assert!(throttle.admit(&address("ada"), at(12)).is_err());
    }

    #[test]
    fn a_success_forgets_the_failures() {
        let throttle = Throttle::new(5);
        for _ in 0..20 {
            throttle.admit(&address("ada"), at(0)).unwrap();
            throttle.succeeded(&address("ada"));
        }
    }

    #[test]
    fn zero_switches_it_off() {
        let throttle = Throttle::new(0);
        for _ in 0..100 {
            throttle.admit(&address("ada"), at(0)).unwrap();
        }
    }

    #[test]
    fn an_attempt_that_was_not_made_is_not_counted() {
        let throttle = Throttle::new(5);
        for _ in 0..20 {
            throttle.admit(&address("ada"), at(0)).unwrap();
            throttle.refund(&address("ada"));
        }
    }

    /// row: R-19
    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let throttle = Throttle::new(5);
        for _ in 0..5 {
            throttle.admit(&address("ada"), at(3600)).unwrap();
        }
        throttle.admit(&address("ada"), at(0)).unwrap();
    }

    /// row: S-08
    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::new(5);
        for number in 0..ADDRESSES_MAX + 10 {
            let admitted = throttle.admit(&address(&number.to_string()), at(0));
            assert_eq!(admitted.is_ok(), number < ADDRESSES_MAX);
        }
        throttle.admit(&address("later"), at(60)).unwrap();
        assert_eq!(throttle.full_at.lock().unwrap().len(), 1);
    }
}

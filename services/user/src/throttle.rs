//! Slows down the guessing of passwords, and locks no owner out by what others guess. All strangers
//! together have a few failures a minute per address, whether it has an account or not; a device
//! that the account knows has as many of its own, and so has a person who is signed in. Kept in
//! memory, so each replica counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::email::EmailKey;
use crate::domain::id::{DeviceId, UserId};
use crate::error::Error;

/// Guessers of a kind that are counted at once at most.
const COUNTED_MAX: usize = 100_000;
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Whose failures are counted as one's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Guesser {
    /// Everybody who tries an address and whom its account does not know: from however many
    /// places they come, they share what they have.
    Strangers(EmailKey),
    /// A device that somebody has signed in on before, for the account that it was: by its name
    /// alone, which a new mark of it bears too.
    Known(DeviceId),
    /// A person, by their access token.
    SignedIn(UserId),
}

/// Counts failures per guesser: so many at once, refilled evenly over a minute.
#[derive(Debug)]
pub struct Throttle {
    failures_per_minute: u32,
    strangers: Mutex<FullAt>,
    /// Apart, so that strangers, however many addresses they try, take nobody's place here.
    others: Mutex<FullAt>,
}

/// For each guesser the time at which it has its full allowance again.
type FullAt = HashMap<Guesser, DateTime<Utc>>;

impl Throttle {
    /// Allows that many failures a minute; 0 means any number.
    pub fn new(failures_per_minute: u32) -> Self {
        Self {
            failures_per_minute,
            strangers: Mutex::default(),
            others: Mutex::default(),
        }
    }

    /// Counts an attempt as failed before it is made, so that many at once gain nothing.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] when the guesser has no allowance left.
    pub fn admit(&self, guesser: &Guesser, now: DateTime<Utc>) -> Result<(), Error> {
        let Some(cost) = self.cost() else {
            return Ok(());
        };
        let mut full_at = self.full_at(guesser);
        if full_at.len() >= COUNTED_MAX && !full_at.contains_key(guesser) {
            full_at.retain(|_, full_at| *full_at > now);
            if full_at.len() >= COUNTED_MAX {
                return Err(Error::TooManyAttempts {
                    retry_after: Duration::from_secs(60),
                });
            }
        }
        // Further ahead than the window is a clock that was set back: it locks nobody out.
        let credible = full_at
            .get(guesser)
            .filter(|full_at| **full_at <= now + WINDOW);
        let spent = credible.copied().unwrap_or(now).max(now) + cost;
        let excess = spent - now - WINDOW;
        if excess > TimeDelta::zero() {
            let retry_after = excess.to_std().unwrap_or_default();
            return Err(Error::TooManyAttempts { retry_after });
        }
        full_at.insert(guesser.clone(), spent);
        Ok(())
    }

    /// Forgets the failures of a guesser who knew the password.
    pub fn succeeded(&self, guesser: &Guesser) {
        self.full_at(guesser).remove(guesser);
    }

    /// Takes back an attempt at which no password was compared.
    pub fn refund(&self, guesser: &Guesser) {
        let Some(cost) = self.cost() else { return };
        if let Some(full_at) = self.full_at(guesser).get_mut(guesser) {
            *full_at -= cost;
        }
    }

    fn full_at(&self, guesser: &Guesser) -> MutexGuard<'_, FullAt> {
        let of_kind = match guesser {
            Guesser::Strangers(_) => &self.strangers,
            Guesser::Known(_) | Guesser::SignedIn(_) => &self.others,
        };
        of_kind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cost(&self) -> Option<TimeDelta> {
        WINDOW.checked_div(i32::try_from(self.failures_per_minute).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::email::Email;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn address(name: &str) -> Guesser {
        Guesser::Strangers(Email::new(&format!("{name}@example.test")).key())
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

    /// Also where strangers have taken every place that there is for them.
    ///
    /// row: S-08
    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::new(5);
        for number in 0..COUNTED_MAX + 10 {
            let admitted = throttle.admit(&address(&number.to_string()), at(0));
            assert_eq!(admitted.is_ok(), number < COUNTED_MAX);
        }
        let signed_in = Guesser::SignedIn(UserId(Uuid::nil()));
        throttle.admit(&signed_in, at(0)).unwrap();
        throttle.admit(&address("later"), at(60)).unwrap();
        assert_eq!(throttle.strangers.lock().unwrap().len(), 1);
    }
}

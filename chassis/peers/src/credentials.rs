//! The tokens with which a service calls others: signed once for a callee and whoever it acts for,
//! and shown until half of their life is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use call::User;
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use http::HeaderValue;
use token::{SERVICE_LIFETIME, ServiceClaims, SignError, SigningKey};

/// How many are kept.
const KEPT_MAX: usize = 10_000;

/// Signs the tokens with which a service calls others.
pub type TokenSigner = Arc<SigningKey>;

/// What one service shows its peers.
pub(crate) struct Credentials {
    signer: TokenSigner,
    kept: Mutex<HashMap<Subject, Kept>>,
}

type Subject = (&'static str, Option<User>);

struct Kept {
    value: HeaderValue,
    signed: DateTime<Utc>,
}

impl Kept {
    /// Also when the clock was set back behind it: nobody else takes it for valid yet.
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        let age = now - self.signed;
        age >= TimeDelta::zero() && age < SERVICE_LIFETIME / 2
    }
}

impl Credentials {
    pub(crate) fn new(signer: TokenSigner) -> Self {
        Self {
            signer,
            kept: Mutex::default(),
        }
    }

    /// The header with which `caller` calls `callee` on behalf of `acting_for`.
    ///
    /// # Errors
    /// [`SignError`], which a well-formed key does not cause.
    pub(crate) fn of(
        &self,
        caller: &str,
        callee: &'static str,
        acting_for: Option<User>,
        clock: &Clock,
    ) -> Result<HeaderValue, SignError> {
        let now = clock.now();
        let acting_for = acting_for.map(|user| User {
            session: None, // a callee is not told of which session it is
            ..user
        });
        let subject = (callee, acting_for);
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = kept.get(&subject).filter(|kept| kept.is_fresh(now)) {
                return Ok(kept.value.clone());
            }
        }
        let claims = ServiceClaims::new(caller, callee, acting_for, now);
        let token = self.signer.sign_service(&claims)?;
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .expect("a token is letters, digits and dots");
        value.set_sensitive(true);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, kept| kept.is_fresh(now));
        }
        if kept.len() >= KEPT_MAX {
            kept.clear(); // more people in half a minute than are worth keeping
        }
        let signed = Kept {
            value: value.clone(),
            signed: now,
        };
        kept.insert(subject, signed);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clock::Manual;
    use uuid::Uuid;

    use super::*;

    fn credentials() -> (Credentials, Clock, Manual) {
        let key = SigningKey::generate("order").expect("a key");
        let (clock, time) =
            Manual::new(DateTime::from_timestamp(1_800_000_000, 0).expect("a time"));
        (Credentials::new(Arc::new(key)), clock, time)
    }

    fn user(id: u128) -> Option<User> {
        let roles = [call::Role::Customer].into_iter().collect();
        let id = Uuid::from_u128(id);
        Some(User {
            id,
            roles,
            session: None,
        })
    }

    /// Tokens of different seconds differ, so one that does not was signed once.
    #[test]
    fn a_token_is_signed_once_and_anew_when_half_of_its_life_is_over() {
        let (credentials, clock, time) = credentials();
        let show = |callee| {
            credentials
                .of("order", callee, user(7), &clock)
                .expect("it is signed")
        };
        let first = show("payment");
        assert!(first.is_sensitive());
        for _ in 0..29 {
            time.advance(Duration::from_secs(1));
            assert_eq!(show("payment"), first);
        }
        time.advance(Duration::from_secs(1));
        let second = show("payment");
        assert_ne!(second, first);
        assert_eq!(show("payment"), second);
        time.set(clock.now() - TimeDelta::seconds(5));
        assert_ne!(show("payment"), second, "it is of a time to come");
    }

    #[test]
    fn everybody_is_acted_for_under_a_token_of_their_own() {
        let (credentials, clock, _) = credentials();
        let mut shown = Vec::new();
        for callee in ["payment", "inventory"] {
            for whom in [None, user(7), user(8)] {
                shown.push(
                    credentials
                        .of("order", callee, whom, &clock)
                        .expect("it is signed"),
                );
            }
        }
        let staff = User {
            roles: [call::Role::Support].into_iter().collect(),
            ..user(7).expect("a user")
        };
        shown.push(
            credentials
                .of("order", "payment", Some(staff), &clock)
                .expect("it is signed"),
        );
        let count = shown.len();
        shown.sort();
        shown.dedup();
        assert_eq!(shown.len(), count);
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let (credentials, clock, _) = credentials();
        let kept = || credentials.kept.lock().expect("nobody panicked").len();
        let value = credentials
            .of("order", "payment", None, &clock)
            .expect("it is signed");
        for id in 0..KEPT_MAX as u128 {
            let signed = clock.now();
            let value = value.clone();
            let full = ("payment", user(id));
            credentials
                .kept
                .lock()
                .expect("nobody panicked")
                .insert(full, Kept { value, signed });
        }
        assert!(kept() > KEPT_MAX);
        credentials
            .of("order", "inventory", None, &clock)
            .expect("it is signed");
        assert!(kept() <= KEPT_MAX, "{}", kept());
    }
}

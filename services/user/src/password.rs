//! Hashes passwords: slowly on purpose, off the runtime's threads, few at a time.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier, phc};
use argon2::{Argon2, Params};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use clock::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::PasswordConfig;
use crate::domain::password::Password;
use crate::error::Error;

const SALT_LEN: usize = 16;

/// The hash of a password as a PHC string: algorithm, cost, salt and tag.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash as it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A hash never reaches a log by way of `{:?}`.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What a presented password turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the account's, or there is no account.
    Wrong,
    /// It is the account's.
    Right,
    /// It is the account's, and its hash has another cost than new ones: here is a new one.
    Rehashed(PasswordHash),
}

/// Hashes and verifies passwords; cheap to clone.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    argon2: Argon2<'static>,
    clock: Clock,
    /// Verified in place of the hash that an unknown account does not have.
    decoy: PasswordHash,
    permits: Arc<Semaphore>,
    queued: AtomicUsize,
    queued_max: usize,
}

impl Hasher {
    /// Makes a hasher of this cost.
    ///
    /// # Errors
    /// [`Error::Config`] for a cost that argon2 does not allow.
    pub fn new(config: &PasswordConfig, clock: Clock) -> Result<Self, Error> {
        let params = config.params()?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let permits = if config.concurrent_max == 0 {
            cores
        } else {
            config.concurrent_max
        };
        Ok(Self(Arc::new(Inner {
            decoy: decoy(&params, &clock),
            argon2: Argon2::from(params),
            clock,
            permits: Arc::new(Semaphore::new(permits)),
            queued: AtomicUsize::new(0),
            queued_max: config.queued_max,
        })))
    }

    /// Hashes a password under a new salt.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        self.run(move |inner| inner.hash(&password)).await
    }

    /// Compares a password with an account's hash. It takes as long where there is no account or
    /// no hash.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, Error> {
        self.run(move |inner| inner.verify(&password, hash)).await
    }

    /// Derives bytes that are the same for the same password and salt, and tell as little of the
    /// password as its hash does.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full.
    pub async fn digest(
        &self,
        password: Password,
        salt: [u8; SALT_LEN],
    ) -> Result<[u8; 32], Error> {
        self.run(move |inner| {
            let mut digest = [0; 32];
            let derived = inner
                .argon2
                .hash_password_into(password.expose(), &salt, &mut digest);
            derived.map_err(|error| Error::Hashing(error.into()))?;
            Ok(digest)
        })
        .await
    }

    /// Runs `work` off the runtime's threads as soon as there is room for it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.permit().await?;
        let inner = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            let done = work(&inner);
            drop(permit); // here, since a caller that leaves does not end the work
            done
        });
        task.await?
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permits = Arc::clone(&self.0.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _place = self.queue().ok_or(Error::Busy)?;
        permits.acquire_owned().await.map_err(|_| Error::Busy) // never closed
    }

    /// Takes a place in the queue, which is given up when dropped.
    fn queue(&self) -> Option<Place<'_>> {
        let place = Place(&self.0.queued); // counts itself out when it is one too many
        (self.0.queued.fetch_add(1, Ordering::Relaxed) < self.0.queued_max).then_some(place)
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Inner {
    fn hash(&self, password: &Password) -> Result<PasswordHash, Error> {
        let salt: [u8; SALT_LEN] = self.clock.random();
        let hash = self
            .argon2
            .hash_password_with_salt(password.expose(), &salt);
        Ok(PasswordHash(hash.map_err(Error::Hashing)?.to_string()))
    }

    fn verify(&self, password: &Password, hash: Option<PasswordHash>) -> Result<Verdict, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let parsed = phc::PasswordHash::new(hash.as_str());
        let parsed = parsed.map_err(|error| Error::Hashing(error.into()))?;
        match self.argon2.verify_password(password.expose(), &parsed) {
            Ok(()) if known && self.is_outdated(&parsed) => {
                self.hash(password).map(Verdict::Rehashed)
            }
            Ok(()) if known => Ok(Verdict::Right),
            Ok(()) | Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(Error::Hashing(error)),
        }
    }

    fn is_outdated(&self, hash: &phc::PasswordHash) -> bool {
        let now = self.argon2.params();
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        Params::try_from(hash).is_ok_and(|then| cost(&then) != cost(now))
    }
}

/// A hash that no password has: its tag is drawn, not computed.
fn decoy(params: &Params, clock: &Clock) -> PasswordHash {
    let salt = STANDARD_NO_PAD.encode(clock.random::<SALT_LEN>());
    let tag = STANDARD_NO_PAD.encode(clock.random::<{ Params::DEFAULT_OUTPUT_LEN }>());
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    PasswordHash(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${tag}"))
}

#[cfg(test)]
mod tests;

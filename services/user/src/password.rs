//! Hashes passwords: slowly on purpose, off the runtime's threads, few at a time.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::password_hash::phc;
use argon2::{Argon2, Block, Params};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use slice::Misconfigured;

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

/// An account's password as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPassword {
    /// Its hash.
    pub hash: PasswordHash,
    /// Since when it is the account's: a hash that was made anew of the same password changes
    /// nothing of that.
    pub since: DateTime<Utc>,
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
    /// KiB that were filled so far, each pass counted.
    filled: AtomicU64,
}

impl Hasher {
    /// Makes a hasher of this cost.
    ///
    /// # Errors
    /// A cost that argon2 does not allow.
    pub fn new(config: &PasswordConfig, clock: Clock) -> Result<Self, Misconfigured> {
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
            filled: AtomicU64::new(0),
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
        self.run(move |inner| inner.fill(&inner.argon2, &password, &salt))
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
        let tag = self.fill(&self.argon2, password, &salt)?;
        Ok(compose(self.argon2.params(), &salt, &tag))
    }

    fn verify(&self, password: &Password, hash: Option<PasswordHash>) -> Result<Verdict, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let parsed = phc::PasswordHash::new(hash.as_str());
        let parsed = parsed.map_err(|error| Error::Hashing(error.into()))?;
        let params = Params::try_from(&parsed).map_err(Error::Hashing)?;
        let salt = parsed.salt.as_ref().map_or(&[][..], |salt| salt);
        let tag = self.fill(&Argon2::from(params.clone()), password, salt)?;
        let tag = phc::Output::new(&tag).map_err(|error| Error::Hashing(error.into()))?;
        match parsed.hash == Some(tag) {
            true if known && self.is_outdated(&parsed) => {
                self.hash(password).map(Verdict::Rehashed)
            }
            true if known => Ok(Verdict::Right),
            true | false => {
                self.make_up_for(&params, password, salt)?;
                Ok(Verdict::Wrong)
            }
        }
    }

    /// Works on where a hash took less work than one of today, and so less than the decoy: else its
    /// account would be known by how soon the answer came.
    fn make_up_for(&self, done: &Params, password: &Password, salt: &[u8]) -> Result<(), Error> {
        let now = self.argon2.params();
        let missing = work(now).saturating_sub(work(done));
        let memory = u32::try_from(missing / u64::from(now.t_cost())).unwrap_or(u32::MAX);
        if memory < Params::MIN_M_COST.max(8 * now.p_cost()) {
            return Ok(()); // as little as nobody can measure
        }
        let rest = Params::new(memory, now.t_cost(), now.p_cost(), None);
        let rest = rest.map_err(|error| Error::Hashing(error.into()))?;
        self.fill(&Argon2::from(rest), password, salt).map(drop)
    }

    fn is_outdated(&self, hash: &phc::PasswordHash) -> bool {
        let now = self.argon2.params();
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        Params::try_from(hash).is_ok_and(|then| cost(&then) != cost(now))
    }

    /// Computes the tag of a password.
    ///
    /// The memory comes from here and not from the library, with more room than is touched:
    /// what is larger than 32 MiB the allocator takes from the system and gives back at once.
    /// Blocks of 19 MiB it keeps, one set for each thread that ever hashed.
    fn fill(
        &self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
    ) -> Result<[u8; Params::DEFAULT_OUTPUT_LEN], Error> {
        const ROOM_BYTES: usize = 33 << 20;
        let count = argon2.params().block_count();
        let mut memory = Vec::with_capacity(count.max(ROOM_BYTES / Block::SIZE));
        memory.resize(count, Block::new());
        let mut tag = [0; Params::DEFAULT_OUTPUT_LEN];
        argon2
            .hash_password_into_with_memory(password.expose(), salt, &mut tag, &mut memory)
            .map_err(|error| Error::Hashing(error.into()))?;
        self.filled
            .fetch_add(work(argon2.params()), Ordering::Relaxed);
        Ok(tag)
    }
}

/// What a hash of this cost takes: KiB, each pass counted.
fn work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

fn compose(params: &Params, salt: &[u8], tag: &[u8]) -> PasswordHash {
    let (salt, tag) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(tag));
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    PasswordHash(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${tag}"))
}

/// A hash that no password has: its tag is drawn, not computed.
fn decoy(params: &Params, clock: &Clock) -> PasswordHash {
    compose(
        params,
        &clock.random::<SALT_LEN>(),
        &clock.random::<{ Params::DEFAULT_OUTPUT_LEN }>(),
    )
}

#[cfg(test)]
mod tests;

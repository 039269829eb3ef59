//! Public keys by name, and how they are asked for: one fetch for all who wait, its outcome
//! theirs and that of everybody who comes soon after. Whoever names a key that is known waits
//! for nothing. What a token says is no concern of this file.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, TryFutureExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use crate::jwks::{KeyMaterial, KeySet};

/// How many wait for a fetch at once, since their keys may be anybody's invention: whoever comes
/// on top of them is told at once that his cannot be asked for.
pub(crate) const WAITING_MAX: usize = 128;

/// The public half of a signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name in token headers.
    pub kid: String,
    /// The 32 bytes of RFC 8032.
    pub bytes: [u8; 32],
}

impl PublicKey {
    /// The key as a JWK's `x` (RFC 8037).
    pub fn x(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes)
    }

    /// Reads a JWK's `kid` and `x`.
    pub fn from_jwk(kid: &str, x: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(x).ok()?.try_into().ok()?;
        Some(Self {
            kid: kid.to_owned(),
            bytes,
        })
    }
}

/// Gets the current keys from where they are kept.
pub type FetchKeys =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<PublicKey>, String>> + Send + Sync>;

/// Gets keys of any type.
pub(crate) type FetchSet =
    Arc<dyn Fn() -> BoxFuture<'static, Result<KeySet, String>> + Send + Sync>;

/// Public keys by name, fetched when they are old or a name is new, and for new names never
/// more often than every 10 s.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    known: RwLock<Arc<KeySet>>,
    fetch: Option<FetchSet>,
    pace: Pace,
    asking: Mutex<Asking>,
    waiting: Semaphore,
}

/// How often keys are asked for, and for how long. Each pause begins when a fetch ends, so that
/// a slow one is not followed by the next at once.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// How long fetched keys are good, the JWKS' own max-age.
    pub(crate) age_max: Duration,
    /// The least time to a fetch for a name that is not known, whatever names strangers make up.
    pub(crate) interval_min: Duration,
    /// The time after which keys that did not come are asked for again, by [`Keys::keep_fresh`].
    pub(crate) retry: Duration,
    /// The longest that a fetch may take.
    pub(crate) fetch_max: Duration,
}

pub(crate) const PACE: Pace = Pace {
    age_max: Duration::from_secs(300),
    interval_min: Duration::from_secs(10),
    retry: Duration::from_secs(1),
    fetch_max: Duration::from_secs(5),
};

/// For who is not ours: where we fail to reach him, he has his 10 s as well.
pub(crate) const PACE_OF_OTHERS: Pace = Pace {
    retry: PACE.interval_min,
    ..PACE
};

/// The fetch that is under way, and the last that ended.
#[derive(Default)]
struct Asking {
    now: Option<Fetching>,
    last: Option<Ended>,
}

/// A fetch, for all who wait for it: whether the keys came.
type Fetching = Shared<BoxFuture<'static, bool>>;

#[derive(Clone, Copy)]
struct Ended {
    at: Instant,
    well: bool,
}

/// What there is to know without asking too often.
enum Asked {
    /// The last fetch is not over for long; another may follow from then on.
    Lately { well: bool, again: Instant },
    /// A fetch is under way.
    Now(Fetching),
}

/// Why there is no key of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// Whoever has the keys has none of that name.
    Unknown,
    /// That could not be asked.
    Unasked,
}

impl Keys {
    /// Keys that never change: those of services, known by configuration.
    pub fn fixed(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self::build(index(keys), None, PACE)
    }

    /// Keys that are fetched: the user service's, by its JWKS.
    pub fn fetched(fetch: FetchKeys) -> Self {
        Self::build(KeySet::default(), Some(fetch), PACE)
    }

    pub(crate) fn build(known: KeySet, fetch: Option<FetchKeys>, pace: Pace) -> Self {
        let fetch = fetch.map(|fetch| -> FetchSet {
            Arc::new(move || fetch().map_ok(index).boxed()) // ours are all of one type
        });
        Self::assemble(known, fetch, pace)
    }

    pub(crate) fn assemble(known: KeySet, fetch: Option<FetchSet>, pace: Pace) -> Self {
        Self(Arc::new(Inner {
            known: RwLock::new(Arc::new(known)),
            fetch,
            pace,
            asking: Mutex::default(),
            waiting: Semaphore::new(WAITING_MAX),
        }))
    }

    /// Whether there is a key to verify with.
    pub fn is_ready(&self) -> bool {
        !self.known().is_empty()
    }

    /// Whether there is a key of that name, as far as is known here.
    pub(crate) fn has(&self, kid: &str) -> bool {
        self.known().contains_key(kid)
    }

    /// Whether the key of that name is still this one.
    pub(crate) fn is_still(&self, kid: &str, key: &KeyMaterial) -> bool {
        self.known().get(kid) == Some(key)
    }

    /// The key of that name. Only for one that is not known a fetch is waited for.
    pub(crate) async fn get(&self, kid: &str) -> Result<KeyMaterial, NoKey> {
        if let Some(key) = self.known().get(kid) {
            return Ok(key.clone());
        }
        let fetch = self.0.fetch.as_ref().ok_or(NoKey::Unknown)?;
        let well = match self.ask(fetch, |_| self.0.pace.interval_min) {
            Asked::Lately { well, .. } => well,
            Asked::Now(fetching) => {
                let place = self.0.waiting.try_acquire();
                let _place = place.map_err(|_| NoKey::Unasked)?;
                fetching.await
            }
        };
        match (self.known().get(kid), well) {
            (Some(key), _) => Ok(key.clone()),
            (None, true) => Err(NoKey::Unknown),
            (None, false) => Err(NoKey::Unasked),
        }
    }

    /// Keeps the keys fresh, so that a key that was taken back stops verifying. Keys that never
    /// change are so already.
    pub async fn keep_fresh(self) {
        let (Some(fetch), pace) = (&self.0.fetch, self.0.pace) else {
            return;
        };
        // Whoever has them may only be starting: ask again soon where they did not come.
        let pause = |last: Ended| if last.well { pace.age_max } else { pace.retry };
        loop {
            match self.ask(fetch, pause) {
                Asked::Lately { again, .. } => sleep_until(again).await,
                Asked::Now(fetching) => drop(fetching.await),
            }
        }
    }

    /// Joins the fetch under way or begins one, unless the last is over for less than its pause.
    fn ask(&self, fetch: &FetchSet, pause: impl FnOnce(Ended) -> Duration) -> Asked {
        let mut asking = self.asking();
        if let Some(last) = asking.last {
            let again = last.at + pause(last);
            if Instant::now() < again {
                let well = last.well;
                return Asked::Lately { well, again };
            }
        }
        let fetching = asking.now.get_or_insert_with(|| {
            // A task of its own: whoever leaves takes it from nobody who still waits.
            let task = tokio::spawn(self.clone().fetch(fetch.clone()));
            task.map(|ended| ended.unwrap_or(false)).boxed().shared()
        });
        Asked::Now(fetching.clone())
    }

    /// Fetches the keys, and says whether they came.
    async fn fetch(self, fetch: FetchSet) -> bool {
        let at_most = self.0.pace.fetch_max;
        let fetching = AssertUnwindSafe(async { timeout(at_most, fetch()).await });
        let fetched = match fetching.catch_unwind().await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(_)) => Err(format!("they did not come within {at_most:?}")),
            Err(_) => Err("who fetched them panicked".to_owned()),
        };
        let well = fetched.is_ok();
        let cause = match fetched {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = keys;
                None
            }
            Err(cause) => Some(cause),
        };
        let at = Instant::now();
        let last = Some(Ended { at, well });
        let before = std::mem::replace(&mut *self.asking(), Asking { now: None, last });
        if let Some(cause) = cause
            && before.last.is_none_or(|before| before.well)
        {
            warn!(cause, "The signing keys could not be fetched"); // once, not for each attempt
        }
        well
    }

    fn known(&self) -> Arc<KeySet> {
        let known = self.0.known.read();
        Arc::clone(&known.unwrap_or_else(PoisonError::into_inner))
    }

    fn asking(&self) -> std::sync::MutexGuard<'_, Asking> {
        self.0.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        WAITING_MAX - self.0.waiting.available_permits()
    }
}

fn index(keys: impl IntoIterator<Item = PublicKey>) -> KeySet {
    let keys = keys.into_iter();
    keys.map(|key| (key.kid, KeyMaterial::Ed25519(key.bytes)))
        .collect()
}

//! Who a bearer token says it is, or nothing at all. Verified tokens are remembered, since
//! one Ed25519 check costs more than the rest of the edge together.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use call::{Caller, User};
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use futures::future::BoxFuture;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

use super::{ACCESS_TYPE, AccessClaims, ISSUER, SERVICE_TYPE, ServiceClaims, roles};

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4096;
/// How far clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(15);
/// How many verified tokens are remembered.
const REMEMBERED_MAX: usize = 10_000;
/// How long fetched keys are good, the JWKS' own max-age.
const KEYS_AGE_MAX: Duration = Duration::from_secs(300);
/// The least time between two fetches, whatever key ids strangers make up.
const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(10);
/// The time to the next fetch after one that failed.
const FETCH_RETRY: Duration = Duration::from_secs(1);

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

/// Public keys by name, fetched when they are old or a name is new, and never more often
/// than every 10 s.
#[derive(Clone)]
pub struct Keys(Arc<KeysInner>);

struct KeysInner {
    known: RwLock<Arc<HashMap<String, [u8; 32]>>>,
    fetched: Mutex<Option<Fetched>>,
    fetch: Option<FetchKeys>,
    fetch_interval_min: Duration,
}

impl Keys {
    /// Keys that never change: those of services, known by configuration.
    pub fn fixed(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self::build(index(keys), None, FETCH_INTERVAL_MIN)
    }

    /// Keys that are fetched: the user service's, by its JWKS.
    pub fn fetched(fetch: FetchKeys) -> Self {
        Self::build(HashMap::new(), Some(fetch), FETCH_INTERVAL_MIN)
    }

    fn build(
        known: HashMap<String, [u8; 32]>,
        fetch: Option<FetchKeys>,
        fetch_interval_min: Duration,
    ) -> Self {
        let (known, fetched) = (RwLock::new(Arc::new(known)), Mutex::new(None));
        Self(Arc::new(KeysInner {
            known,
            fetched,
            fetch,
            fetch_interval_min,
        }))
    }

    fn snapshot(&self) -> Arc<HashMap<String, [u8; 32]>> {
        self.0
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The key of that name.
    async fn get(&self, kid: &str) -> Option<[u8; 32]> {
        match self.snapshot().get(kid) {
            Some(key) => Some(*key),
            None => {
                self.refresh(self.0.fetch_interval_min).await;
                self.snapshot().get(kid).copied()
            }
        }
    }

    /// Whether there is a key to verify with.
    pub fn is_ready(&self) -> bool {
        !self.snapshot().is_empty()
    }

    /// Fetches unless that was done within `age`; callers at once share one fetch. Returns
    /// when the next one is due.
    async fn refresh(&self, age: Duration) -> Duration {
        let Some(fetch) = &self.0.fetch else {
            return KEYS_AGE_MAX;
        };
        let mut fetched = self.0.fetched.lock().await;
        let age = match *fetched {
            Some(Fetched { well: false, .. }) => FETCH_RETRY,
            _ => age,
        };
        if fetched.as_ref().is_some_and(|last| last.at.elapsed() < age) {
            return age;
        }
        let was_well = fetched.as_ref().is_none_or(|last| last.well);
        let at = Instant::now();
        match fetch().await {
            Ok(keys) => {
                let keys = Arc::new(index(keys));
                *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = keys;
                *fetched = Some(Fetched { at, well: true });
                KEYS_AGE_MAX
            }
            Err(cause) => {
                // Whoever has them may only be starting: ask again soon, and say so once.
                if was_well {
                    warn!(cause, "The signing keys could not be fetched");
                }
                *fetched = Some(Fetched { at, well: false });
                FETCH_RETRY
            }
        }
    }

    /// Keeps the keys fresh, so that a key that was taken back stops verifying.
    pub async fn keep_fresh(self) {
        loop {
            let due = self.refresh(KEYS_AGE_MAX).await;
            tokio::time::sleep(due).await;
        }
    }
}

/// When keys were last asked for, and whether they came.
struct Fetched {
    at: Instant,
    well: bool,
}

fn index(keys: impl IntoIterator<Item = PublicKey>) -> HashMap<String, [u8; 32]> {
    keys.into_iter().map(|key| (key.kid, key.bytes)).collect()
}

/// Turns bearer tokens into callers.
#[derive(Clone)]
pub struct Verifier(Arc<VerifierInner>);

struct VerifierInner {
    clock: Clock,
    people: Keys,
    services: Keys,
    audience: Option<String>,
    remembered: RwLock<HashMap<Ending, Remembered>>,
}

/// The end of a token's signature: as good as a hash of the token, and nothing to compute.
type Ending = [u8; 16];

struct Remembered {
    token: Box<str>,
    caller: Caller,
    kid: String,
    exp: DateTime<Utc>,
}

impl Verifier {
    /// Verifies people's tokens with `people`, and with `services` those of services that
    /// call `audience`; without an audience no service token is taken.
    pub fn new(clock: Clock, people: Keys, services: Keys, audience: Option<&str>) -> Self {
        super::install_provider();
        let audience = audience.map(|name| format!("service:{name}"));
        let remembered = RwLock::default();
        Self(Arc::new(VerifierInner {
            clock,
            people,
            services,
            audience,
            remembered,
        }))
    }

    /// Who presents `token`. None for anything that is wrong with it: the caller is told
    /// no more than that.
    pub async fn verify(&self, token: &str) -> Option<Caller> {
        let now = self.0.clock.now();
        let ending = token.as_bytes().last_chunk()?;
        if let Some(caller) = self.recall(ending, token, now) {
            return Some(caller);
        }
        let remembered = self.check(token, now).await?;
        let caller = remembered.caller.clone();
        self.remember(*ending, remembered, now);
        Some(caller)
    }

    fn recall(&self, ending: &Ending, token: &str, now: DateTime<Utc>) -> Option<Caller> {
        let all = self
            .0
            .remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let found = all.get(ending).filter(|found| *found.token == *token)?;
        if now >= found.exp + LEEWAY {
            return None;
        }
        let keys = match found.caller {
            Caller::Service { .. } => self.0.services.snapshot(),
            _ => self.0.people.snapshot(),
        };
        keys.contains_key(&found.kid).then(|| found.caller.clone())
    }

    fn remember(&self, ending: Ending, entry: Remembered, now: DateTime<Utc>) {
        let mut all = self
            .0
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED_MAX {
            all.retain(|_, entry| now < entry.exp + LEEWAY);
        }
        if all.len() >= REMEMBERED_MAX {
            all.clear(); // every token still verifies, only slower the next time
        }
        all.insert(ending, entry);
    }

    async fn check(&self, token: &str, now: DateTime<Utc>) -> Option<Remembered> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = decode_header(token).ok()?;
        if header.crit.is_some() {
            return None; // RFC 7515, 4.1.11: what is critical and not understood
        }
        let kid = header.kid.filter(|kid| is_kid(kid))?;
        match header.typ.as_deref()? {
            ACCESS_TYPE => {
                let key = self.0.people.get(&kid).await?;
                let claims: AccessClaims = claims(token, &key, ISSUER, ISSUER)?;
                let exp = valid_at(claims.nbf, claims.exp, now)?;
                let user = User {
                    id: claims.sub,
                    roles: roles(&claims.roles),
                };
                Some(Remembered {
                    token: token.into(),
                    caller: Caller::User(user),
                    kid,
                    exp,
                })
            }
            SERVICE_TYPE => {
                let key = self.0.services.get(&kid).await?;
                // A service's key is named for it, so no service can sign as another.
                let issuer = format!("service:{kid}");
                let claims: ServiceClaims =
                    claims(token, &key, &issuer, self.0.audience.as_deref()?)?;
                let exp = valid_at(claims.nbf, claims.exp, now)?;
                let acting_for = claims.act.map(|act| User {
                    id: act.sub,
                    roles: roles(&act.roles),
                });
                let name = (claims.sub == kid).then(|| kid.as_str().into())?;
                Some(Remembered {
                    token: token.into(),
                    caller: Caller::Service { name, acting_for },
                    kid,
                    exp,
                })
            }
            _ => None,
        }
    }
}

fn is_kid(kid: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&kid.len()) && kid.bytes().all(plain)
}

/// The claims of a token with a good signature, issuer and audience. Times are checked by
/// [`valid_at`], on our clock.
fn claims<C: DeserializeOwned>(
    token: &str,
    key: &[u8; 32],
    issuer: &str,
    audience: &str,
) -> Option<C> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer]);
    validation.validate_exp = false;
    let key = DecodingKey::from_ed_der(key);
    decode(token, &key, &validation)
        .ok()
        .map(|data| data.claims)
}

fn valid_at(nbf: i64, exp: i64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let nbf = DateTime::from_timestamp(nbf, 0)?;
    let exp = DateTime::from_timestamp(exp, 0)?;
    (nbf <= now + LEEWAY && now < exp + LEEWAY).then_some(exp)
}

#[cfg(test)]
mod tests;

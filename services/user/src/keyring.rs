//! The keys that sign access tokens: kept in the database, where all replicas find them, and
//! held in memory, so that signing asks nobody.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use clock::Clock;
use command::Work;
use events::Origin;
use futures::FutureExt;
use secrecy::ExposeSecret;
use sql::Database;
use token::{AccessClaims, FetchKeys, PublicKey};

use crate::config::Config;
use crate::domain::signing_key::{self, Schedule, SigningKey};
use crate::error::Error;
use crate::store;

/// How often keys are looked after. A replica may sign with a key that another has replaced for
/// as long; the old one stays published for much longer.
const TEND_INTERVAL: Duration = Duration::from_secs(60);
/// The time to the next attempt when the database was away.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The signing keys; cheap to clone. It opens without asking the database anything.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    db: Database,
    clock: Clock,
    schedule: Schedule,
    /// In the order in which they sign; empty until they were read once.
    keys: RwLock<Arc<Vec<Key>>>,
}

/// A key as it is stored, and as it signs.
struct Key {
    stored: SigningKey,
    signer: token::SigningKey,
}

impl Keyring {
    /// Makes the keyring of a database.
    pub fn new(db: Database, clock: Clock, config: &Config) -> Self {
        let (schedule, keys) = (config.key_schedule(), RwLock::default());
        Self(Arc::new(Inner {
            db,
            clock,
            schedule,
            keys,
        }))
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// [`Error::Store`] if the keys were never read and cannot be now.
    pub async fn sign(&self, user: call::User) -> Result<String, Error> {
        self.ready().await?;
        let (now, keys) = (self.0.clock.now(), self.keys());
        let claims = AccessClaims::new(user, self.0.clock.id(), now);
        let current = current(&keys, now).ok_or(token::SignError::Key)?;
        Ok(current.signer.sign_access(&claims)?)
    }

    /// The keys whose tokens are good, or will be soon, as the database has them now.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn public(&self) -> Result<Vec<PublicKey>, Error> {
        self.ready().await?;
        let stored = store::signing_key::all(self.0.db.read()).await?;
        let public = |key: SigningKey| PublicKey {
            kid: key.kid,
            bytes: key.public_key,
        };
        Ok(stored.into_iter().map(public).collect())
    }

    /// Where a verifier in this process gets the keys.
    pub fn source(&self) -> FetchKeys {
        let keyring = self.clone();
        Arc::new(move || {
            let keyring = keyring.clone();
            async move {
                keyring
                    .public()
                    .await
                    .map_err(|error| call::error::chain(&error))
            }
            .boxed()
        })
    }

    /// Makes sure that there is a key to sign with.
    ///
    /// # Errors
    /// [`Error::Store`] if the keys were never read and cannot be now.
    pub async fn ready(&self) -> Result<(), Error> {
        if self.keys().is_empty() {
            self.tend().await?;
        }
        Ok(())
    }

    /// Makes and retires keys as they fall due, now and from time to time.
    pub async fn keep(self) {
        loop {
            let pause = match self.tend().await {
                Ok(()) => TEND_INTERVAL,
                Err(error) => {
                    let cause = call::error::chain(&error);
                    tracing::warn!(%cause, "The signing keys could not be looked after");
                    RETRY_INTERVAL
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Makes and retires keys as they fall due, and reads them all.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn tend(&self) -> Result<(), Error> {
        let mut stored = store::signing_key::all(self.0.db.read()).await?;
        if signing_key::due(&stored, self.0.clock.now(), &self.0.schedule) != Default::default() {
            let origin = Origin::default();
            let rotated = command::transact(&self.0.db, &self.0.clock, &origin, |work| {
                self.rotate(work).boxed()
            });
            stored = rotated.await?;
        }
        let keys: Result<Vec<Key>, Error> = stored.into_iter().map(Key::try_from).collect();
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys?);
        Ok(())
    }

    /// Does what is due. Of two replicas at once the second finds it done.
    async fn rotate(&self, work: &mut Work<'_>) -> Result<Vec<SigningKey>, Error> {
        let mut keys = store::signing_key::all(&work.txn).await?;
        let due = signing_key::due(&keys, work.now, &self.0.schedule);
        if !due.retire.is_empty() {
            store::signing_key::delete(&work.txn, &due.retire).await?;
            keys.retain(|key| !due.retire.contains(&key.kid));
            let kids = due.retire;
            work.then(move || tracing::info!(?kids, "Retired signing keys"));
        }
        if let Some(signs_from) = due.create {
            let key = self.generate(work.now, signs_from)?;
            store::signing_key::insert(&work.txn, &key).await?;
            let kid = key.kid.clone();
            work.then(move || tracing::info!(kid, %signs_from, "Made a signing key"));
            keys.push(key);
        }
        Ok(keys)
    }

    fn generate(&self, now: DateTime<Utc>, signs_from: DateTime<Utc>) -> Result<SigningKey, Error> {
        let kid = URL_SAFE_NO_PAD.encode(self.0.clock.random::<16>());
        let key = token::SigningKey::generate(&kid)?;
        Ok(SigningKey {
            kid,
            private_key: key.pkcs8().to_vec().into(),
            public_key: key.public().bytes,
            created_at: now,
            signs_from,
        })
    }

    fn keys(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn current(keys: &[Key], now: DateTime<Utc>) -> Option<&Key> {
    let place = signing_key::current(keys.iter().map(|key| key.stored.signs_from), now)?;
    keys.get(place)
}

impl TryFrom<SigningKey> for Key {
    type Error = Error;

    fn try_from(stored: SigningKey) -> Result<Self, Error> {
        let signer =
            token::SigningKey::from_pkcs8(&stored.kid, stored.private_key.expose_secret())?;
        Ok(Self { stored, signer })
    }
}

//! Who a bearer token says it is, or nothing at all. Verified tokens are remembered, since
//! one Ed25519 check costs more than the rest of the edge together.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use call::{Caller, User};
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::de::DeserializeOwned;

use super::{ACCESS_TYPE, AccessClaims, ISSUER, SERVICE_TYPE, ServiceClaims, roles};
use crate::keys::{Keys, NoKey};

/// The only algorithm there is.
const ALGORITHM: Algorithm = Algorithm::EdDSA;
/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4096;
/// How far clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(15);
/// How many verified tokens are remembered.
const REMEMBERED_MAX: usize = 10_000;
/// Why a token names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It is not good: nobody is told what is wrong with it.
    #[error("the token is not good")]
    Bad,
    /// It may be good: the key that it names is not known, and could not be asked for.
    #[error("the token's key could not be asked for")]
    Unchecked,
}

impl From<NoKey> for Unverified {
    fn from(cause: NoKey) -> Self {
        match cause {
            NoKey::Unknown => Self::Bad,
            NoKey::Unasked => Self::Unchecked,
        }
    }
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

    /// Who presents `token`.
    ///
    /// # Errors
    /// [`Unverified`]: the caller is told no more than that.
    pub async fn verify(&self, token: &str) -> Result<Caller, Unverified> {
        if let Some(caller) = self.known(token) {
            return Ok(caller);
        }
        let now = self.0.clock.now();
        let ending = token.as_bytes().last_chunk().ok_or(Unverified::Bad)?;
        let remembered = self.check(token, now).await?;
        let caller = remembered.caller.clone();
        self.remember(*ending, remembered, now);
        Ok(caller)
    }

    /// Which service presents `token`. Nobody's else is looked at, nor is a person's key asked for.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_service(&self, token: &str) -> Result<Caller, Unverified> {
        match Head::read(token) {
            Some(Head {
                kind: Kind::Service,
                ..
            }) => self.verify(token).await,
            _ => Err(Unverified::Bad),
        }
    }

    /// Whether `token` says that it is of one of our services, which show a new one often.
    pub fn says_service(&self, token: &str) -> bool {
        Head::read(token).is_some_and(|head| match head.kind {
            Kind::Service => self.0.services.has(&head.kid),
            Kind::Access => false,
        })
    }

    /// Who presents a token that was verified before, and is still good.
    pub fn known(&self, token: &str) -> Option<Caller> {
        let (now, ending) = (self.0.clock.now(), token.as_bytes().last_chunk()?);
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
            Caller::Service { .. } => &self.0.services,
            _ => &self.0.people,
        };
        keys.has(&found.kid).then(|| found.caller.clone())
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

    async fn check(&self, token: &str, now: DateTime<Utc>) -> Result<Remembered, Unverified> {
        let Head { kind, kid } = Head::read(token).ok_or(Unverified::Bad)?;
        let (caller, exp) = match kind {
            Kind::Access => {
                let key = self.0.people.get(&kid).await?;
                person(token, &key, now)
            }
            Kind::Service => {
                let key = self.0.services.get(&kid).await?;
                let audience = self.0.audience.as_deref();
                service(token, &kid, &key, audience.ok_or(Unverified::Bad)?, now)
            }
        }
        .ok_or(Unverified::Bad)?;
        Ok(Remembered {
            token: token.into(),
            caller,
            kid,
            exp,
        })
    }
}

/// What of a token's header is looked at.
struct Head {
    kind: Kind,
    kid: String,
}

enum Kind {
    Access,
    Service,
}

impl Head {
    /// Reads it, unless no key could make the token good.
    fn read(token: &str) -> Option<Self> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = decode_header(token).ok()?;
        if header.alg != ALGORITHM {
            return None;
        }
        if header.crit.is_some() {
            return None; // RFC 7515, 4.1.11: what is critical and not understood
        }
        let kind = match header.typ.as_deref()? {
            ACCESS_TYPE => Kind::Access,
            SERVICE_TYPE => Kind::Service,
            _ => return None,
        };
        let kid = header.kid.filter(|kid| is_kid(kid))?;
        Some(Self { kind, kid })
    }
}

fn person(token: &str, key: &[u8; 32], now: DateTime<Utc>) -> Option<(Caller, DateTime<Utc>)> {
    let claims: AccessClaims = claims(token, key, ISSUER, ISSUER)?;
    let exp = valid_at(claims.nbf, claims.exp, now)?;
    let user = User {
        id: claims.sub,
        roles: roles(&claims.roles),
        session: claims.sid,
    };
    Some((Caller::User(user), exp))
}

/// A service's key is named for it, so no service can sign as another.
fn service(
    token: &str,
    kid: &str,
    key: &[u8; 32],
    audience: &str,
    now: DateTime<Utc>,
) -> Option<(Caller, DateTime<Utc>)> {
    let claims: ServiceClaims = claims(token, key, &format!("service:{kid}"), audience)?;
    let exp = valid_at(claims.nbf, claims.exp, now)?;
    let acting_for = claims.act.map(|act| User {
        id: act.sub,
        roles: roles(&act.roles),
        session: None,
    });
    let name = (claims.sub == kid).then(|| kid.into())?;
    Some((Caller::Service { name, acting_for }, exp))
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
    let mut validation = Validation::new(ALGORITHM);
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

//! Who a bearer token says it is, or nothing at all. Verified tokens are remembered, since
//! one Ed25519 check costs more than the rest of the edge together.

use std::sync::{Arc, PoisonError, RwLock};

use ahash::HashMap;
use call::{Caller, User};
use chrono::{DateTime, Utc};
use clock::Clock;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::debug;

use super::{
    ACCESS_TYPE, AccessClaims, ISSUER, LEEWAY, SERVICE_TYPE, ServiceClaims, roles, valid_at,
};
use crate::issuer::TrustedIssuer;
use crate::jwks::KeyMaterial;
use crate::keys::{Keys, NoKey};

/// The only algorithm of ours.
const ALGORITHM: Algorithm = Algorithm::EdDSA;
/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4096;
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
    issuers: Vec<TrustedIssuer>,
    remembered: RwLock<HashMap<Ending, Remembered>>,
}

/// The end of a token's signature: as good as a hash of the token, and nothing to compute.
type Ending = [u8; 16];

struct Remembered {
    token: Box<str>,
    caller: Caller,
    kid: String,
    exp: DateTime<Utc>,
    foreign: Option<Signed>,
}

/// Who signed that is not ours: which of the list, and with what.
struct Signed {
    issuer: usize,
    key: KeyMaterial,
}

/// Whose token it says it is.
#[derive(Deserialize)]
struct Issued {
    iss: String,
}

impl Verifier {
    /// Verifies people's tokens with `people`, and with `services` those of services that
    /// call `audience`; without an audience no service token is taken.
    pub fn new(clock: Clock, people: Keys, services: Keys, audience: Option<&str>) -> Self {
        Self::trusting(Vec::new(), clock, people, services, audience)
    }

    /// The same, and people's tokens of `issuers` are taken too, by the keys of each its own.
    pub fn trusting(
        issuers: Vec<TrustedIssuer>,
        clock: Clock,
        people: Keys,
        services: Keys,
        audience: Option<&str>,
    ) -> Self {
        super::install_provider();
        let audience = audience.map(|name| format!("service:{name}"));
        let remembered = RwLock::default();
        Self(Arc::new(VerifierInner {
            clock,
            people,
            services,
            audience,
            issuers,
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
        let kid = &found.kid;
        let good = match (&found.foreign, &found.caller) {
            // Others may give a name to another key, and their tokens live for long.
            (Some(by), _) => self.0.issuers[by.issuer].keys.is_still(kid, &by.key),
            (None, Caller::Service { .. }) => self.0.services.has(kid),
            (None, _) => self.0.people.has(kid),
        };
        good.then(|| found.caller.clone())
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
        let header = header(token).ok_or(Unverified::Bad)?;
        if let Some(issuer) = self.issuer_of(token, &header) {
            // Apart, since few tokens are others' and each call has room for this future.
            return Box::pin(self.check_foreign(issuer, header, token, now)).await;
        }
        let Head { kind, kid } = Head::of(header).ok_or(Unverified::Bad)?;
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
            foreign: None,
        })
    }

    /// Which of the list it says has issued the token. What says that it is a service's is ours or
    /// nobody's.
    fn issuer_of(&self, token: &str, header: &Header) -> Option<usize> {
        if self.0.issuers.is_empty() || header.typ.as_deref() == Some(SERVICE_TYPE) {
            return None;
        }
        let Issued { iss } = insecure_decode_claims(token).ok()?;
        let mut issuers = self.0.issuers.iter();
        issuers.position(|issuer| issuer.rules.name == iss)
    }

    async fn check_foreign(
        &self,
        issuer: usize,
        header: Header,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Remembered, Unverified> {
        let TrustedIssuer { rules, keys } = &self.0.issuers[issuer];
        let refused = |reason: &'static str| {
            // The caller is told nothing; whoever sets an issuer up may ask the log.
            debug!(
                issuer = rules.name,
                reason, "Refused a token of a trusted issuer"
            );
            Unverified::Bad
        };
        let head = rules.head(header).map_err(refused)?;
        let key = keys.get(&head.kid).await?;
        let (caller, exp) = rules.person(token, &head, &key, now).map_err(refused)?;
        Ok(Remembered {
            token: token.into(),
            caller,
            kid: head.kid,
            exp,
            foreign: Some(Signed { issuer, key }),
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
        Self::of(header(token)?)
    }

    fn of(header: Header) -> Option<Self> {
        if header.alg != ALGORITHM {
            return None;
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

fn header(token: &str) -> Option<Header> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let header = decode_header(token).ok()?;
    // RFC 7515, 4.1.11: what is critical and not understood
    header.crit.is_none().then_some(header)
}

fn person(token: &str, key: &KeyMaterial, now: DateTime<Utc>) -> Option<(Caller, DateTime<Utc>)> {
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
    key: &KeyMaterial,
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
    key: &KeyMaterial,
    issuer: &str,
    audience: &str,
) -> Option<C> {
    let mut validation = Validation::new(ALGORITHM);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer]);
    validation.validate_exp = false;
    decode(token, &key.decoding(), &validation)
        .ok()
        .map(|data| data.claims)
}

#[cfg(test)]
mod tests;

//! Issuers that are not ours: which of their tokens name people of ours. A trusted issuer says
//! who somebody is and nothing else: whoever comes by its token is a customer.

use std::fmt;
use std::sync::Arc;

use call::{Caller, Role, User};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use jsonwebtoken::{Header, Validation, decode};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
use tracing::warn;
use uuid::Uuid;

use super::{ACCESS_TYPE, LEEWAY, valid_at};
use crate::jwks::{self, KeyMaterial, KeySet, SigningAlgorithm};
use crate::keys::{FetchSet, Keys, PACE_OF_OTHERS, Pace};

/// The longest that a token of somebody else may live.
const FOREIGN_LIFETIME_MAX: TimeDelta = TimeDelta::hours(24);
/// What only tokens that are no access tokens claim, unless they say that they are.
const OF_NO_ACCESS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Whose tokens count beside ours, and which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// What its tokens claim as `iss`, to the letter.
    pub name: String,
    /// For whom they have to be.
    pub audience: String,
    /// By what they may be signed.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The claim that holds the id of one of our users.
    pub subject_claim: String,
}

/// Gets the bytes of a published key set.
pub type FetchJwks = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<u8>, String>> + Send + Sync>;

/// An issuer, with its keys, which verify its own tokens and no others.
#[derive(Clone)]
pub struct TrustedIssuer {
    pub(crate) rules: Issuer,
    pub(crate) keys: Keys,
}

impl TrustedIssuer {
    /// Trusts an issuer whose key set `fetch` gets.
    pub fn new(rules: Issuer, fetch: FetchJwks) -> Self {
        Self::paced(rules, fetch, PACE_OF_OTHERS)
    }

    pub(crate) fn paced(rules: Issuer, fetch: FetchJwks, pace: Pace) -> Self {
        let fetch = fetch_set(&rules, fetch);
        let keys = Keys::assemble(KeySet::default(), Some(fetch), pace);
        Self { rules, keys }
    }

    /// Its keys, which somebody has to keep fresh.
    pub fn keys(&self) -> Keys {
        self.keys.clone()
    }
}

fn fetch_set(rules: &Issuer, fetch: FetchJwks) -> FetchSet {
    let (name, algorithms) = (Arc::<str>::from(&*rules.name), rules.algorithms.clone());
    Arc::new(move || {
        let (name, algorithms, fetched) = (name.clone(), algorithms.clone(), fetch());
        async move {
            let of = |problem| format!("{name}: {problem}");
            let set = jwks::read(&fetched.await.map_err(of)?, &algorithms).map_err(of)?;
            if set.is_empty() {
                // An issuer may take all its keys back; more often the list lacks its algorithm.
                let issuer = &*name;
                warn!(
                    issuer,
                    "The issuer publishes no key of an algorithm that it may sign by"
                );
            }
            Ok(set)
        }
        .boxed()
    })
}

/// What of a foreign token's header is looked at.
pub(crate) struct ForeignHead {
    pub(crate) kid: String,
    algorithm: SigningAlgorithm,
    /// Whether it says that the token is an access token, rather than nothing of its kind.
    says_access: bool,
}

impl Issuer {
    /// Reads a header, unless no key could make the token good.
    pub(crate) fn head(&self, header: Header) -> Result<ForeignHead, &'static str> {
        let mut listed = self.algorithms.iter().copied();
        let algorithm = listed
            .find(|one| one.named() == header.alg)
            .ok_or("its algorithm is not on the list")?;
        let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
        let says_access = match kind
            .as_deref()
            .map(|kind| kind.trim_start_matches("application/"))
        {
            Some(ACCESS_TYPE) => true,
            Some("jwt") | None => false,
            Some(_) => return Err("its header says another type"),
        };
        let kid = header.kid.filter(|kid| jwks::is_kid_of_others(kid));
        Ok(ForeignHead {
            kid: kid.ok_or("it names no key")?,
            algorithm,
            says_access,
        })
    }

    /// Who presents a token of this issuer, and until when.
    pub(crate) fn person(
        &self,
        token: &str,
        head: &ForeignHead,
        key: &KeyMaterial,
        now: DateTime<Utc>,
    ) -> Result<(Caller, DateTime<Utc>), &'static str> {
        if key.algorithm() != head.algorithm {
            return Err("its algorithm is not its key's");
        }
        let mut validation = Validation::new(key.algorithm().named());
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.name]);
        validation.validate_exp = false; // on our clock, below
        let Claims(claims) = decode(token, &key.decoding(), &validation)
            .map_err(|_| "its signature, audience or form is not good")?
            .claims;
        let exp = lifetime(&claims, now)?;
        if !is_access(head.says_access, &claims) {
            return Err("it is no access token");
        }
        if claims.contains_key("cnf") {
            return Err("it is bound to a key that its bearer need not show here");
        }
        let subject = claims.get(&self.subject_claim).and_then(Value::as_str);
        let id = subject.and_then(user_id);
        let user = User {
            id: id.ok_or("its subject claim holds no user's id")?,
            roles: [Role::Customer].into_iter().collect(), // whatever it says of roles
            session: None,                                 // sessions are ours
        };
        Ok((Caller::User(user), exp))
    }
}

/// When the token ends, if it holds now and not for too long.
fn lifetime(
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, &'static str> {
    let time = |name: &str| claims.get(name).map(seconds).transpose();
    let exp = time("exp")?.ok_or("it has no exp")?;
    let nbf = time("nbf")?;
    let at = valid_at(nbf.unwrap_or_else(|| now.timestamp()), exp, now);
    let at = at.ok_or("it does not hold now")?;
    let from = time("iat")?.or(nbf).unwrap_or_else(|| now.timestamp());
    let longest = FOREIGN_LIFETIME_MAX.num_seconds();
    let too_long = exp.saturating_sub(from) > longest || at > now + FOREIGN_LIFETIME_MAX + LEEWAY;
    match too_long {
        true => Err("it lives too long"),
        false => Ok(at),
    }
}

/// A time in seconds, which may have a fraction (RFC 7519, 2).
fn seconds(value: &Value) -> Result<i64, &'static str> {
    let number = value.as_number().ok_or("a time of it is no number")?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is out of range is no time"
    )]
    let floor = |seconds: f64| seconds.floor() as i64;
    let seconds = number.as_i64().or_else(|| number.as_f64().map(floor));
    seconds.ok_or("a time of it is no number")
}

/// Whether it is an access token, as far as that can be told: those that say so are, and of those
/// that say nothing the ones that claim nothing which only others have.
fn is_access(mut said: bool, claims: &Map<String, Value>) -> bool {
    for (name, ours, nothing) in [
        ("typ", &["bearer", ACCESS_TYPE, "access"][..], "jwt"), // Keycloak's word is the first
        ("token_use", &["access"], ""),                         // Cognito's
    ] {
        let Some(value) = claims.get(name) else {
            continue;
        };
        let kind = value.as_str().unwrap_or_default().to_ascii_lowercase();
        match kind.as_str() {
            kind if ours.contains(&kind) => said = true,
            kind if kind == nothing && !kind.is_empty() => {}
            _ => return false,
        }
    }
    said || !OF_NO_ACCESS.iter().any(|name| claims.contains_key(*name))
}

/// An id in the form in which ours are written.
fn user_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (text.len() == 36 && !id.is_nil()).then_some(id)
}

/// All that a token claims. Of two claims of one name each reader might take another: there are none.
struct Claims(Map<String, Value>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims, each once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Claims, A::Error> {
        let mut claims = Map::new();
        while let Some((name, value)) = all.next_entry::<String, Value>()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim stands twice"));
            }
        }
        Ok(Claims(claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day from when it was made, a day and the leeway from now: each to the second, which
    /// the clock of a running verifier never stands at.
    #[test]
    fn a_foreign_token_lives_a_day_to_the_second() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (day, leeway) = (24 * 60 * 60, LEEWAY.num_seconds());
        for (from, until, holds) in [
            (0, day, true),
            (0, day + 1, false),
            (leeway, day + leeway, true),
            (leeway + 1, day + leeway + 1, false),
            (-day, 0, true),
            (-day - 1, 0, false),
        ] {
            let at = |seconds: i64| Value::from(now.timestamp() + seconds);
            let (from, exp) = (("iat".to_owned(), at(from)), ("exp".to_owned(), at(until)));
            let claims = [from, exp].into_iter().collect();
            assert_eq!(lifetime(&claims, now).is_ok(), holds, "{claims:?}");
        }
    }
}

//! Tokens: what they claim, how they are signed, and how they are verified. Ours are EdDSA only,
//! those of issuers that are trusted beside us what a list says; `RFC 8725`'s advice throughout:
//! the algorithm comes from here, never from the token; issuer, audience and type are asked for;
//! whatever a header says of keys but `kid` is ignored.

mod issuer;
mod jwks;
mod keys;
mod provider;
mod verify;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use call::{Role, Roles, User};

pub use issuer::{FetchJwks, Issuer, TrustedIssuer};
pub use jwks::{JWKS_BYTES_MAX, SigningAlgorithm};
pub use keys::{FetchKeys, Keys, PublicKey};
pub use provider::install as install_provider;
pub use verify::{Unverified, Verifier};

/// Who signs people's tokens, and for whom.
pub const ISSUER: &str = "stoa";

/// How long an access token lives.
pub const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How long a service token lives.
pub const SERVICE_LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// How far clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(15);

const ACCESS_TYPE: &str = "at+jwt";
const SERVICE_TYPE: &str = "svc+jwt";

/// What an access token says of a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    iss: String,
    aud: String,
    sub: Uuid,
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    jti: Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl AccessClaims {
    /// The claims of a token for `user`, valid for [`ACCESS_LIFETIME`] from `now`.
    pub fn new(user: User, id: Uuid, now: DateTime<Utc>) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: user.id,
            roles: names(user.roles),
            sid: user.session,
            jti: id,
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + ACCESS_LIFETIME).timestamp(),
        }
    }
}

/// What a service token says: which service calls which, and for whom it acts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceClaims {
    iss: String,
    aud: String,
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    nbf: i64,
    exp: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Act {
    sub: Uuid,
    roles: Vec<String>,
}

impl ServiceClaims {
    /// The claims of a token with which `caller` calls `callee`, on behalf of `acting_for`.
    pub fn new(caller: &str, callee: &str, acting_for: Option<User>, now: DateTime<Utc>) -> Self {
        Self {
            iss: format!("service:{caller}"),
            aud: format!("service:{callee}"),
            sub: caller.to_owned(),
            act: acting_for.map(|user| Act {
                sub: user.id,
                roles: names(user.roles),
            }),
            nbf: now.timestamp(),
            exp: (now + SERVICE_LIFETIME).timestamp(),
        }
    }
}

fn names(roles: Roles) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

fn roles(names: &[String]) -> Roles {
    names.iter().filter_map(|name| Role::parse(name)).collect()
}

/// When a token ends, if it holds now.
fn valid_at(nbf: i64, exp: i64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let nbf = DateTime::from_timestamp(nbf, 0)?;
    let exp = DateTime::from_timestamp(exp, 0)?;
    (nbf <= now + LEEWAY && now < exp + LEEWAY).then_some(exp)
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key's bytes are no Ed25519 key in PKCS #8.
    #[error("the signing key is not an Ed25519 key in PKCS #8")]
    Key,
    /// The library refused.
    #[error("the token could not be signed")]
    Token(#[from] jsonwebtoken::errors::Error),
}

/// An Ed25519 key that signs tokens. Its bytes are wiped when it is dropped, and it has no
/// `Debug` by which they could reach a log.
pub struct SigningKey {
    kid: String,
    pkcs8: SecretSlice<u8>,
    public: [u8; 32],
    encoding: EncodingKey,
}

impl SigningKey {
    /// Makes a new key under the name `kid`, at most 64 of `[A-Za-z0-9_-]`.
    ///
    /// # Errors
    /// [`SignError::Key`], if the system has no randomness.
    pub fn generate(kid: &str) -> Result<Self, SignError> {
        let pkcs8 =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| SignError::Key)?;
        Self::from_pkcs8(kid, pkcs8.as_ref())
    }

    /// Reads a key in PKCS #8, ours or OpenSSL's form.
    ///
    /// # Errors
    /// [`SignError::Key`] for bytes that are none.
    pub fn from_pkcs8(kid: &str, pkcs8: &[u8]) -> Result<Self, SignError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| SignError::Key)?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| SignError::Key)?;
        Ok(Self {
            kid: kid.to_owned(),
            pkcs8: pkcs8.to_vec().into(),
            public,
            encoding: EncodingKey::from_ed_der(pkcs8),
        })
    }

    /// The key's name in token headers.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key as it is stored. Secret.
    pub fn pkcs8(&self) -> &[u8] {
        self.pkcs8.expose_secret()
    }

    /// The half by which others verify.
    pub fn public(&self) -> PublicKey {
        PublicKey {
            kid: self.kid.clone(),
            bytes: self.public,
        }
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// [`SignError`], which a well-formed key does not cause.
    pub fn sign_access(&self, claims: &AccessClaims) -> Result<String, SignError> {
        self.sign(ACCESS_TYPE, claims)
    }

    /// Signs a service token.
    ///
    /// # Errors
    /// [`SignError`], which a well-formed key does not cause.
    pub fn sign_service(&self, claims: &ServiceClaims) -> Result<String, SignError> {
        self.sign(SERVICE_TYPE, claims)
    }

    fn sign<C: Serialize>(&self, kind: &str, claims: &C) -> Result<String, SignError> {
        install_provider();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.to_owned());
        header.kid = Some(self.kid.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.encoding)?)
    }
}

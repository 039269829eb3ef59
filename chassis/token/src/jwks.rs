//! Keys as others publish them (RFC 7517): which of a set may verify, and by which algorithm.
//! Where a set is and how it is fetched is no concern of this file, nor whose it is.

use ahash::HashMap;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The most bytes of a set that are read.
pub const JWKS_BYTES_MAX: usize = 64 << 10;
/// The most keys of a set.
const KEYS_MAX: usize = 64;
/// The longest name of a key that others chose, in bytes.
const KID_BYTES_MAX: usize = 128;
/// The bytes of a modulus, from 2,048 bits to 8,192.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// The most bytes of an exponent.
const EXPONENT_BYTES_MAX: usize = 4;

/// By what others may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// Ed25519, as we do.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA, PKCS #1 v1.5, with SHA-256.
    Rs256,
}

impl SigningAlgorithm {
    /// Every algorithm, the best first.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// Its name in token headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of that name, if it is one of them.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// As the library names it.
    pub(crate) const fn named(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
        }
    }
}

/// What verifies, by its type, which alone says by which algorithm: a key of one has no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyMaterial {
    /// The 32 bytes of RFC 8032.
    Ed25519([u8; 32]),
    /// A point of P-256, uncompressed.
    P256(Box<[u8; 65]>),
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
}

/// Keys by their names.
pub(crate) type KeySet = HashMap<String, KeyMaterial>;

impl KeyMaterial {
    /// The only algorithm by which it verifies.
    pub(crate) const fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Ed25519(_) => SigningAlgorithm::EdDsa,
            Self::P256(_) => SigningAlgorithm::Es256,
            Self::Rsa { .. } => SigningAlgorithm::Rs256,
        }
    }

    pub(crate) fn decoding(&self) -> DecodingKey {
        match self {
            Self::Ed25519(bytes) => DecodingKey::from_ed_der(bytes),
            Self::P256(point) => DecodingKey::from_ec_der(&point[..]),
            Self::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
        }
    }
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// What of a JWK is looked at.
#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// The keys of a set that sign tokens by one of `algorithms`. All others are left out: those for
/// encryption, of other types, without a name or not well formed; of two by one name the second.
///
/// # Errors
/// What is no set, or too large.
pub(crate) fn read(bytes: &[u8], algorithms: &[SigningAlgorithm]) -> Result<KeySet, String> {
    if bytes.len() > JWKS_BYTES_MAX {
        return Err(format!("the key set is longer than {JWKS_BYTES_MAX} bytes"));
    }
    let published: Published =
        serde_json::from_slice(bytes).map_err(|_| "the answer is no key set".to_owned())?;
    if published.keys.len() > KEYS_MAX {
        return Err(format!("the key set has more than {KEYS_MAX} keys"));
    }
    let mut set = KeySet::default();
    for key in published.keys {
        if let Some((kid, key)) = signing_key(key)
            && algorithms.contains(&key.algorithm())
        {
            set.entry(kid).or_insert(key);
        }
    }
    Ok(set)
}

/// Whether somebody's key may have that name. It is looked up, and goes nowhere else.
pub(crate) fn is_kid_of_others(kid: &str) -> bool {
    (1..=KID_BYTES_MAX).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic())
}

fn signing_key(key: Value) -> Option<(String, KeyMaterial)> {
    let key: PublishedKey = serde_json::from_value(key).ok()?;
    let signs = key
        .purpose
        .as_deref()
        .is_none_or(|purpose| purpose == "sig");
    let verifies = key
        .key_ops
        .as_ref()
        .is_none_or(|all| all.iter().any(|one| one == "verify"));
    if !signs || !verifies || !is_kid_of_others(&key.kid) {
        return None;
    }
    let material = match (key.kty.as_str(), key.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => KeyMaterial::Ed25519(decoded(key.x)?.try_into().ok()?),
        ("EC", Some("P-256")) => {
            let (x, y) = (decoded(key.x)?, decoded(key.y)?);
            if x.len() != 32 {
                return None; // two halves of other lengths may be as long together
            }
            let point = [&[4], &x[..], &y].concat();
            KeyMaterial::P256(Box::new(point.try_into().ok()?))
        }
        ("RSA", None) => {
            let (n, e) = (number(key.n)?, number(key.e)?);
            let fits = MODULUS_BYTES.contains(&n.len()) && e.len() <= EXPONENT_BYTES_MAX;
            fits.then_some(KeyMaterial::Rsa { n, e })?
        }
        _ => return None,
    };
    let named = key.alg.as_deref();
    let fits = named.is_none_or(|alg| alg == material.algorithm().as_str());
    fits.then_some((key.kid, material))
}

fn decoded(text: Option<String>) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text?).ok()
}

/// A positive number without leading zeros.
fn number(text: Option<String>) -> Option<Box<[u8]>> {
    let bytes = decoded(text)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].into())
}

#[cfg(test)]
pub(crate) mod tests;

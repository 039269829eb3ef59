//! Keys of each type, and the sets that they are published in.

use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::json;

use super::*;

/// A key of somebody else, of each type.
pub(crate) enum Foreign {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn ed() -> Foreign {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Foreign::Ed(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
}

pub(crate) fn ec() -> Foreign {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    Foreign::Ec(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap())
}

/// Always the same: ring makes none.
pub(crate) fn rsa() -> Foreign {
    let text: String = include_str!("rsa.txt").split_whitespace().collect();
    let pkcs8 = base64::prelude::BASE64_STANDARD.decode(text).unwrap();
    Foreign::Rsa(RsaKeyPair::from_pkcs8(&pkcs8).unwrap())
}

impl Foreign {
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed(_) => "EdDSA",
            Self::Ec(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key())}),
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (b64(&point[1..33]), b64(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
            }
            Self::Rsa(pair) => {
                let all: PublicKeyComponents<Vec<u8>> = pair.public().into();
                json!({"kty": "RSA", "n": b64(all.n), "e": b64(all.e)})
            }
        };
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm());
        jwk
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Ec(pair) => {
                let signed = pair.sign(&SystemRandom::new(), message);
                signed.unwrap().as_ref().to_vec()
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    pub(crate) fn head(&self, kid: &str) -> Value {
        json!({"alg": self.algorithm(), "typ": "JWT", "kid": kid})
    }

    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        self.sign(&self.head(kid), &claims.to_string())
    }

    pub(crate) fn sign(&self, head: &Value, claims: &str) -> String {
        signed(head, claims, |message| self.signature(message))
    }
}

pub(crate) fn signed(head: &Value, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", b64(head.to_string()), b64(claims));
    let signature = b64(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

pub(crate) fn set(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

/// row: S-02, G4
#[test]
fn keys_that_sign_nothing_or_are_of_no_use_are_left_out() {
    let keys = [ed(), ec(), rsa()];
    for key in &keys {
        let good = key.jwk("f1");
        let spoilt = [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("alg", json!("RSA-OAEP")),
            ("alg", json!("ES384")),
            ("alg", json!("HS256")),
            ("kty", json!("oct")),
            ("kty", json!("PQC")),
            ("kty", Value::Null),
            ("kid", Value::Null),
            ("kid", json!(7)),
            ("kid", json!("")),
            ("kid", json!("with space")),
            ("kid", json!("k".repeat(KID_BYTES_MAX + 1))),
            ("crv", json!("P-521")),
            ("x", json!("!")),
            ("x", json!("")),
            ("y", json!("AA")),
            ("n", json!("AQAB")),
            ("n", json!("")),
            ("e", json!("AA")),
            ("e", json!("AQABAQABAQAB")),
        ];
        let named = good.as_object().unwrap();
        let optional = ["key_ops", "crv"];
        for (name, value) in spoilt {
            if !named.contains_key(name) && !optional.contains(&name) {
                continue;
            }
            let mut jwk = good.clone();
            jwk[name] = value.clone();
            let set = super::read(&set(&[jwk]), &SigningAlgorithm::ALL).unwrap();
            assert!(set.is_empty(), "{} {name} = {value}", key.algorithm());
        }
        for name in ["use", "alg"] {
            let mut jwk = good.clone();
            jwk.as_object_mut().unwrap().remove(name);
            let set = super::read(&set(&[jwk]), &SigningAlgorithm::ALL).unwrap();
            assert_eq!(set.len(), 1, "{} without {name}", key.algorithm());
        }
    }
    // Of two by one name the first.
    let two = [keys[0].jwk("f1"), keys[1].jwk("f1")];
    let read = super::read(&set(&two), &SigningAlgorithm::ALL).unwrap();
    assert_eq!(read["f1"].algorithm(), SigningAlgorithm::EdDsa);
}

#[test]
fn an_algorithm_is_read_by_its_name_alone() {
    for algorithm in SigningAlgorithm::ALL {
        assert_eq!(SigningAlgorithm::parse(algorithm.as_str()), Some(algorithm));
    }
    for name in ["", "eddsa", "HS256", "none", "RS512"] {
        assert_eq!(SigningAlgorithm::parse(name), None, "{name}");
    }
}

/// row: S-02
#[test]
fn what_is_no_key_set_is_refused_whole() {
    let key = ed();
    let many: Vec<Value> = (0..65).map(|n| key.jwk(&n.to_string())).collect();
    let read = |bytes: &[u8]| super::read(bytes, &SigningAlgorithm::ALL);
    assert_eq!(read(&set(&many[..64])).unwrap().len(), 64);
    let mut long = set(&many[..1]);
    long.resize(JWKS_BYTES_MAX, b' ');
    assert!(read(&long).is_ok());
    long.push(b' ');
    for bad in [
        set(&many),
        long,
        b"".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"<html>".to_vec(),
    ] {
        assert!(read(&bad).is_err());
    }
}

proptest! {
    /// row: S-02
    #[test]
    fn no_bytes_make_a_key_set_fail_or_name_what_is_not_in_them(bytes in any::<Vec<u8>>(), at in 0usize..600, to in any::<u8>()) {
        let _ = super::read(&bytes, &SigningAlgorithm::ALL);
        let mut set = set(&[ed().jwk("f1"), ec().jwk("f2")]);
        let at = at % set.len();
        set[at] = to;
        if let Ok(read) = super::read(&set, &SigningAlgorithm::ALL) {
            prop_assert!(read.len() <= 2);
        }
    }
}

//! The cryptography behind jsonwebtoken, by ring, which the suite has for TLS anyway. Ours is
//! Ed25519 and nothing else; two more algorithms verify what others signed. Every other one is
//! refused here, whatever a token says.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes this the process's provider. Any number of calls, from any thread, do it once.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let installed = PROVIDER.install_default().is_ok();
        assert!(
            installed,
            "another token provider was installed before ours"
        );
    });
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    check(*algorithm, key.family())?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.as_bytes())
        .map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Signer(pair)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let public = match (algorithm, key.family(), key.kind()) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(bytes)) => {
            PublicHalf::Plain(&ED25519, bytes.clone())
        }
        (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(bytes)) => {
            PublicHalf::Plain(&ECDSA_P256_SHA256_FIXED, bytes.clone())
        }
        (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            PublicHalf::Rsa {
                n: n.clone(),
                e: e.clone(),
            }
        }
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    Ok(Box::new(RingVerifier {
        algorithm: *algorithm,
        public,
    }))
}

/// The library does not compare the key's family with the algorithm, so a shared secret
/// could stand in for a public key.
fn check(algorithm: Algorithm, family: AlgorithmFamily) -> Result<(), Error> {
    match (algorithm, family) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => Ok(()),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Ed25519Signer(Ed25519KeyPair);

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct RingVerifier {
    algorithm: Algorithm,
    public: PublicHalf,
}

enum PublicHalf {
    Plain(&'static dyn VerificationAlgorithm, Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match &self.public {
            PublicHalf::Plain(algorithm, bytes) => {
                UnparsedPublicKey::new(*algorithm, bytes).verify(message, signature)
            }
            PublicHalf::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: S-02
    #[test]
    fn nothing_but_ed25519_signs_and_a_secret_verifies_nothing_whatever_is_asked_for() {
        let ours = crate::SigningKey::generate("k1").unwrap();
        let (secret, public) = (ours.pkcs8(), ours.public().bytes);
        let (eddsa, hmac) = (Algorithm::EdDSA, Algorithm::HS256);
        for (algorithm, of_family, taken) in [
            (eddsa, true, true),
            (eddsa, false, false),
            (hmac, true, false),
            (hmac, false, false),
        ] {
            let (signs, verifies) = if of_family {
                let signs = EncodingKey::from_ed_der(secret);
                (signs, DecodingKey::from_ed_der(&public))
            } else {
                let signs = EncodingKey::from_secret(secret);
                (signs, DecodingKey::from_secret(&public))
            };
            let signs = signer(&algorithm, &signs).map(|signer| signer.algorithm());
            let verifies = verifier(&algorithm, &verifies).map(|verifier| verifier.algorithm());
            let wanted = taken.then_some(eddsa);
            assert_eq!(
                (signs.ok(), verifies.ok()),
                (wanted, wanted),
                "{algorithm:?}"
            );
        }
    }

    /// row: S-02
    #[test]
    fn an_algorithm_verifies_by_keys_of_its_own_family_and_by_no_secret() {
        let bytes = [4; 65];
        let keys = [
            DecodingKey::from_ed_der(&bytes[..32]),
            DecodingKey::from_ec_der(&bytes),
            DecodingKey::from_rsa_raw_components(&[0xff; 256], &[1, 0, 1]),
            DecodingKey::from_secret(&bytes),
            DecodingKey::from_rsa_der(&bytes),
        ];
        for (algorithm, of_key) in [
            (Algorithm::EdDSA, Some(0)),
            (Algorithm::ES256, Some(1)),
            (Algorithm::RS256, Some(2)),
            (Algorithm::ES384, None),
            (Algorithm::RS384, None),
            (Algorithm::RS512, None),
            (Algorithm::PS256, None),
            (Algorithm::HS256, None),
        ] {
            for (at, key) in keys.iter().enumerate() {
                let verifies = verifier(&algorithm, key).map(|verifier| verifier.algorithm());
                let wanted = (of_key == Some(at)).then_some(algorithm);
                assert_eq!(verifies.ok(), wanted, "{algorithm:?} by key {at}");
            }
            let signs = signer(&algorithm, &EncodingKey::from_rsa_der(&bytes));
            assert!(signs.is_err(), "{algorithm:?}");
        }
    }
}

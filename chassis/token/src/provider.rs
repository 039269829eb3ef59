//! The cryptography behind jsonwebtoken: Ed25519 by ring, which the suite has for TLS
//! anyway, and nothing else. Every other algorithm is refused here, whatever a token says.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

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
    check(*algorithm, key.family())?;
    let bytes = key
        .try_get_as_bytes()?
        .try_into()
        .map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Verifier(bytes)))
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

struct Ed25519Verifier([u8; 32]);

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(message, signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: S-02
    #[test]
    fn nothing_but_ed25519_signs_or_verifies_whatever_is_asked_for() {
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
}

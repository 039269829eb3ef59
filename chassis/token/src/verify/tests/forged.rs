//! Tokens that somebody made up, and what refusing them costs.

use std::net::TcpListener;

use futures::FutureExt;
use ring::hmac;
use tokio::time::Instant;

use super::*;
use crate::keys::PublicKey;

/// A head and claims as they stand, signed by whatever signs.
fn token(head: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let message = format!("{}.{}", part(head.as_bytes()), part(claims.as_bytes()));
    let signature = part(&sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn signed_by(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let pair = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.pkcs8());
    pair.unwrap().sign(message).as_ref().to_vec()
}

impl Bench {
    fn signature(&self, message: &[u8]) -> Vec<u8> {
        signed_by(&self.key, message)
    }
}

/// Whoever signs with a key of their own and brings it along names one that we know: else nobody would look at the
/// signature at all.
///
/// row: S-02
#[tokio::test]
async fn a_key_that_a_token_brings_along_makes_it_no_better() {
    let bench = bench();
    for (kid, typ, claims, ours) in [
        ("k1", "at+jwt", bench.good(), &bench.key),
        ("order", "svc+jwt", bench.of_service(), &bench.service),
    ] {
        let theirs = SigningKey::generate(kid).unwrap();
        let bare = json!({"kty": "OKP", "crv": "Ed25519", "x": theirs.public().x()});
        let mut named = bare.clone();
        named["kid"] = json!(kid);
        named["alg"] = json!("EdDSA");
        named["use"] = json!("sig");
        for jwk in [bare, named] {
            let head = json!({"alg": "EdDSA", "typ": typ, "kid": kid, "jwk": jwk}).to_string();
            let with = |key: &SigningKey| {
                token(&head, &claims.to_string(), |message| {
                    signed_by(key, message)
                })
            };
            let verified = bench.verifier.verify(&with(ours)).await;
            assert!(verified.is_ok(), "{head}: nothing else is wrong with it");
            bench.refuses(&head, &with(&theirs)).await;
        }
    }
}

/// The public key is no secret, so whoever takes it for one signs with it.
///
/// row: S-02
#[tokio::test]
async fn a_token_signed_with_the_public_key_as_a_secret_is_refused() {
    let bench = bench();
    let PublicKey { bytes, .. } = bench.key.public();
    let x = bench.key.public().x();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{x}\n-----END PUBLIC KEY-----\n");
    for (alg, algorithm) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
        ("EdDSA", hmac::HMAC_SHA512),
    ] {
        for secret in [&bytes[..], x.as_bytes(), pem.as_bytes()] {
            let mut head = header();
            head["alg"] = json!(alg);
            let secret = hmac::Key::new(algorithm, secret);
            let sign = |message: &[u8]| hmac::sign(&secret, message).as_ref().to_vec();
            let forged = token(&head.to_string(), &bench.good().to_string(), sign);
            bench.refuses(alg, &forged).await;
        }
    }
}

/// Of two claims of one name each reader might take another.
///
/// row: S-02
#[tokio::test]
async fn a_token_that_claims_a_thing_twice_is_refused() {
    let bench = bench();
    let (head, claims) = (header().to_string(), bench.good().to_string());
    let sign = |message: &[u8]| bench.signature(message);
    let good = token(&head, &claims, sign);
    assert!(bench.verifier.verify(&good).await.is_ok());
    let twice = |text: &str, name: &str, value: &Value| {
        let rest = text.strip_prefix('{').unwrap();
        format!("{{{}:{value},{rest}", json!(name))
    };
    for (name, value) in bench.good().as_object().unwrap() {
        let again = token(&head, &twice(&claims, name, value), sign);
        bench.refuses(&format!("{name} twice"), &again).await;
    }
    let admin = token(&head, &twice(&claims, "roles", &json!(["admin"])), sign);
    bench.refuses("two lists of roles", &admin).await;
    for (name, value) in header().as_object().unwrap() {
        let again = token(&twice(&head, name, value), &claims, sign);
        bench.refuses(&format!("{name} twice"), &again).await;
    }
}

/// Whatever a token says of where its key is, nobody goes there; and of a key that is known
/// nobody is asked anything.
///
/// row: S-02
#[tokio::test]
async fn a_forged_token_is_refused_at_once_and_nobody_is_asked_about_it() {
    let (bench, source) = (bench(), keys::source(keys::PACE));
    source.answer(Ok(vec![bench.key.public()]));
    let good = bench.sign(header(), &bench.good());
    assert!(source.verifier.verify(&good).await.is_ok());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let there = json!(format!("http://{}/keys", listener.local_addr().unwrap()));

    let now = bench.clock.now().timestamp();
    let mut tokens = Vec::new();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("RS256")),
        ("typ", json!("JWT")),
        ("kid", json!("../../dev/null")),
        ("kid", json!("k".repeat(2_000))),
    ] {
        let mut head = header();
        head[name] = value;
        tokens.push(bench.sign(head, &bench.good()));
    }
    for (name, value) in [
        ("iss", json!("evil")),
        ("aud", json!("other")),
        ("sub", json!(7)),
        ("exp", json!(now - 16)),
        ("nbf", json!(now + 16)),
    ] {
        let mut claims = bench.good();
        claims[name] = value;
        for at in ["jku", "x5u", "jwk"] {
            let mut head = header();
            head[at] = match at {
                "jwk" => json!({"kty": "OKP", "crv": "Ed25519", "x": bench.key.public().x()}),
                _ => there.clone(),
            };
            tokens.push(bench.sign(head, &claims));
        }
    }
    let signed = good.rsplit_once('.').unwrap().0;
    let other = bench.service.public().x();
    tokens.extend((0..200).map(|n| format!("{signed}.{other}{other}{n:03}"))); // no signature of ours
    tokens.extend((0..200).map(|n| format!("{}.{}", &good[..n], &good[n..])));

    // The best of three times, since others use this machine too.
    let refused = |token: &String| {
        let times = (0..3).map(|_| {
            let begun = Instant::now();
            let verified = source.verifier.verify(token).now_or_never();
            assert_eq!(verified, Some(Err(Unverified::Bad)), "{token}");
            begun.elapsed()
        });
        times.min().unwrap()
    };
    let mut times: Vec<Duration> = tokens.iter().map(refused).collect();
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    assert!(p99 <= Duration::from_millis(5), "{p99:?}");
    assert_eq!(source.asked(), 1, "for the key that is known now");
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

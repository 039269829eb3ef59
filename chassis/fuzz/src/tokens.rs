//! Tokens: none is good that our key did not sign, and of those only what the rules say.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use call::{Caller, Role, User};
use chrono::{DateTime, TimeDelta, Utc};
use clock::{Clock, Manual};
use futures::FutureExt;
use ring::signature::Ed25519KeyPair;
use serde_json::Value;
use token::{AccessClaims, Keys, SigningKey, Verifier};
use uuid::Uuid;

/// An Ed25519 key in PKCS #8, before its 32 bytes.
const PKCS8: [u8; 16] = *b"\x30\x2e\x02\x01\0\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
const LEEWAY: TimeDelta = TimeDelta::seconds(15);

/// Who is known here, always the same.
pub(crate) struct Identities {
    pub(crate) verifier: Verifier,
    pub(crate) clock: Clock,
    /// The token of somebody who may do anything.
    pub(crate) good: String,
    key: SigningKey,
}

pub(crate) static IDENTITIES: LazyLock<Identities> = LazyLock::new(|| {
    let now = DateTime::from_timestamp(1_800_000_000, 0).expect("it is a time");
    let (clock, _) = Manual::new(now);
    let key = key("k1", 1);
    let services = Keys::fixed([self::key("gateway", 2).public()]);
    let people = Keys::fixed([key.public()]);
    let verifier = Verifier::new(clock.clone(), people, services, Some("fuzz"));
    let user = User {
        id: Uuid::from_u128(7),
        roles: [Role::Customer, Role::Support].into_iter().collect(),
        session: Some(Uuid::from_u128(8)),
    };
    let good = key.sign_access(&AccessClaims::new(user, Uuid::nil(), now));
    let good = good.expect("a key signs");
    Identities {
        verifier,
        clock,
        good,
        key,
    }
});

fn key(kid: &str, seed: u8) -> SigningKey {
    let pkcs8 = [&PKCS8[..], &[seed; 32]].concat();
    SigningKey::from_pkcs8(kid, &pkcs8).expect("it is a key")
}

/// A first byte of 0: the rest is a token. Else it is a head and claims, a line each, and our key signs them.
pub(crate) fn check(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    if *kind == 0 {
        let verified = verify(&text);
        assert!(verified.is_none() || text == IDENTITIES.good, "{text}");
        return;
    }
    let (head, claims) = text.split_once('\n').unwrap_or((&text, ""));
    let token = sign(head, claims);
    if let Some(Caller::User(user)) = verify(&token) {
        assert!(token.len() <= 4096);
        is_allowed(head, claims, user);
    }
}

fn verify(token: &str) -> Option<Caller> {
    let verifier = &IDENTITIES.verifier;
    let _ = verifier.says_service(token);
    let verified = verifier.verify(token).now_or_never();
    let verified = verified.expect("nobody has to be asked");
    let service = verifier.verify_service(token).now_or_never();
    if let Some(Ok(caller)) = service {
        assert!(matches!(caller, Caller::Service { .. }) && verified.is_ok());
    }
    verified.ok()
}

fn sign(head: &str, claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(head), part(claims));
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(IDENTITIES.key.pkcs8());
    let signature = pair.expect("it is a key").sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The rules of a token, said once more.
fn is_allowed(head: &str, claims: &str, user: User) {
    let head: Value = serde_json::from_str(head).expect("a head is JSON");
    let claims: Value = serde_json::from_str(claims).expect("claims are JSON");
    assert_eq!(head["alg"], "EdDSA");
    assert_eq!(head["typ"], "at+jwt");
    assert_eq!(head["kid"], "k1");
    assert_eq!(head["crit"], Value::Null);
    assert_eq!(claims["iss"], "stoa");
    assert_eq!(claims["aud"], "stoa");
    let sub = claims["sub"].as_str().and_then(|sub| sub.parse().ok());
    assert_eq!(sub, Some(user.id));
    let time = |name: &str| -> DateTime<Utc> {
        let seconds = claims[name].as_i64().expect("a whole number");
        DateTime::from_timestamp(seconds, 0).expect("a time")
    };
    let now = IDENTITIES.clock.now();
    assert!(time("nbf") <= now + LEEWAY && now < time("exp") + LEEWAY);
    let named = claims["roles"].as_array().expect("roles are a list");
    for role in user.roles.iter() {
        assert!(named.iter().any(|name| name == role.as_str()));
    }
}

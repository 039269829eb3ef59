//! Tokens of issuers that are not ours.

use std::sync::Mutex;

use futures::FutureExt;
use ring::hmac;

use super::*;
use crate::jwks::tests::{ec, ed, rsa, set, signed};
use crate::keys::Pace;
use crate::{FetchJwks, Issuer, JWKS_BYTES_MAX, SigningAlgorithm};

const SHOP: &str = "https://id.example.com/realms/shop";
const OTHER: &str = "https://other.example/";

/// What an issuer answers, and how often it was asked.
#[derive(Clone)]
struct Site(Arc<Mutex<Result<Vec<u8>, String>>>, Arc<AtomicUsize>);

impl Site {
    fn of(keys: &[Value]) -> Self {
        Self(Arc::new(Mutex::new(Ok(set(keys)))), Arc::default())
    }

    fn publishes(&self, keys: &[Value]) {
        *self.0.lock().unwrap() = Ok(set(keys));
    }

    fn answers(&self, answer: Result<Vec<u8>, String>) {
        *self.0.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    fn fetch(&self) -> FetchJwks {
        let site = self.clone();
        Arc::new(move || {
            site.1.fetch_add(1, Ordering::SeqCst);
            let answer = site.0.lock().unwrap().clone();
            async move { answer }.boxed()
        })
    }
}

fn rules(name: &str) -> Issuer {
    Issuer {
        name: name.to_owned(),
        audience: "stoa-shop".to_owned(),
        algorithms: SigningAlgorithm::ALL.to_vec(),
        subject_claim: "sub".to_owned(),
    }
}

/// Our own world, with somebody beside us who is trusted.
struct Beside {
    own: Bench,
    verifier: Verifier,
    shop: Site,
    other: Site,
}

fn beside(keys: &[Value]) -> Beside {
    beside_by(rules(SHOP), keys, crate::keys::PACE)
}

fn beside_by(rules_of_shop: Issuer, keys: &[Value], pace: Pace) -> Beside {
    let (own, shop, other) = (bench(), Site::of(keys), Site::of(&[]));
    let verifier = Verifier::trusting(
        vec![
            TrustedIssuer::paced(rules(OTHER), other.fetch(), pace),
            TrustedIssuer::paced(rules_of_shop, shop.fetch(), pace),
        ],
        own.clock.clone(),
        Keys::fixed([own.key.public()]),
        Keys::fixed([own.service.public()]),
        Some("callee"),
    );
    Beside {
        own,
        verifier,
        shop,
        other,
    }
}

impl Beside {
    fn good(&self) -> Value {
        let now = self.own.clock.now().timestamp();
        json!({
            "iss": SHOP, "aud": "stoa-shop", "sub": Uuid::from_u128(7), "exp": now + 300,
            "iat": now, "nbf": now, "roles": ["admin"], "realm_access": {"roles": ["admin"]},
            "sid": Uuid::from_u128(8), "act": {"sub": "gateway"},
        })
    }

    fn good_but(&self, name: &str, value: Value) -> Value {
        let mut claims = self.good();
        claims[name] = value;
        claims
    }

    async fn refuses(&self, what: &str, token: &str) {
        let verified = self.verifier.verify(token).await;
        assert_eq!(verified, Err(Unverified::Bad), "{what}");
    }

    async fn takes(&self, what: &str, token: &str) {
        let verified = self.verifier.verify(token).await;
        assert_eq!(verified, Ok(foreigner()), "{what}");
    }
}

/// A customer without a session, whatever the token says.
fn foreigner() -> Caller {
    Caller::User(User {
        session: None,
        ..customer()
    })
}

/// row: G4
#[tokio::test]
async fn a_trusted_issuers_token_names_a_customer_by_each_algorithm() {
    for key in [ed(), ec(), rsa()] {
        let beside = beside(&[key.jwk("f1")]);
        let token = key.token("f1", &beside.good());
        let name = key.algorithm();
        beside.takes(name, &token).await;
        beside.takes(name, &token).await;
        assert_eq!(beside.verifier.known(&token), Some(foreigner()), "{name}");
        beside.own.manual.advance(Duration::from_secs(300 + 14));
        beside.takes(name, &token).await;
        beside.own.manual.advance(Duration::from_secs(1));
        beside.refuses("expired, though remembered", &token).await;
        assert_eq!((beside.shop.asked(), beside.other.asked()), (1, 0));
    }
}

/// row: G4
#[tokio::test]
async fn our_own_tokens_are_as_good_beside_a_trusted_issuer() {
    let beside = beside(&[]);
    let ours = beside.own.sign(header(), &beside.own.good());
    let verified = beside.verifier.verify(&ours).await;
    assert_eq!(verified, Ok(Caller::User(customer())));
    assert_eq!((beside.shop.asked(), beside.other.asked()), (0, 0));
}

/// row: S-02, G4
#[tokio::test]
async fn whatever_is_wrong_with_a_foreign_token_it_is_refused() {
    let key = ed();
    let beside = beside(&[key.jwk("f1")]);
    let head = key.head("f1");
    let claims = beside.good().to_string();
    beside.takes("as it is", &key.sign(&head, &claims)).await;
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("alg", json!("ES256")),
        ("alg", json!("ES384")),
        ("alg", json!("PS256")),
        ("typ", json!("svc+jwt")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("id_token+jwt")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!("")),
        ("kid", json!("unknown")),
        ("kid", json!("k1")),
        ("kid", json!("with space")),
        ("kid", json!("k".repeat(129))),
        ("kid", json!("")),
        ("kid", Value::Null),
        ("crit", json!(["b64"])),
    ] {
        let mut head = head.clone();
        head[name] = value.clone();
        let what = format!("header {name} = {value}");
        beside.refuses(&what, &key.sign(&head, &claims)).await;
    }
    let now = beside.own.clock.now().timestamp();
    let day = 24 * 60 * 60;
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!("https://id.example.com/realms/shop/")),
        ("iss", json!(OTHER)),
        ("iss", json!("stoa")),
        ("iss", json!([SHOP])),
        ("iss", json!("service:order")),
        ("aud", json!("stoa")),
        ("aud", json!([])),
        ("aud", json!(["account"])),
        ("sub", json!("not a uuid")),
        ("sub", json!("00000000-0000-0000-0000-000000000000")),
        ("sub", json!("00000000000000000000000000000007")),
        (
            "sub",
            json!("urn:uuid:00000000-0000-0000-0000-000000000007"),
        ),
        ("sub", json!(7)),
        ("sub", json!(["00000000-0000-0000-0000-000000000007"])),
        ("exp", json!(now - 15)),
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(1e300)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(now + day + 1)),
        ("iat", json!(now + 300 - day - 1)),
        ("iat", json!("today")),
        ("iat", json!(i64::MIN)),
        ("nbf", json!(now + 16)),
        ("nbf", json!(true)),
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
        ("typ", json!(7)),
        ("token_use", json!("id")),
        ("token_use", json!("")),
        ("nonce", json!("n")),
        ("at_hash", json!("h")),
        ("c_hash", json!("h")),
        ("s_hash", json!("h")),
        ("events", json!({})),
        ("cnf", json!({"jkt": "x"})),
    ] {
        let what = format!("claim {name} = {value}");
        let claims = beside.good_but(name, value).to_string();
        beside.refuses(&what, &key.sign(&head, &claims)).await;
    }
    for name in ["exp", "aud", "iss", "sub"] {
        let mut claims = beside.good();
        claims.as_object_mut().unwrap().remove(name);
        let token = key.sign(&head, &claims.to_string());
        beside.refuses(&format!("no {name}"), &token).await;
    }
    let rest = claims.strip_prefix('{').unwrap();
    for (name, value) in beside.good().as_object().unwrap() {
        let twice = format!("{{{}:{value},{rest}", json!(name));
        beside
            .refuses(&format!("{name} twice"), &key.sign(&head, &twice))
            .await;
    }
    let token = key.sign(&head, &claims);
    beside.refuses("truncated", &token[..token.len() - 2]).await;
    let stranger = ed();
    beside
        .refuses("another key", &stranger.token("f1", &beside.good()))
        .await;
    let long = beside.good_but("x", json!("x".repeat(4096)));
    beside.refuses("too long", &key.token("f1", &long)).await;
}

/// row: G4
#[tokio::test]
async fn what_issuers_write_differently_is_taken() {
    let key = ed();
    let beside = beside(&[key.jwk("f1")]);
    let now = beside.own.clock.now().timestamp();
    let claims = beside.good().to_string();
    for kind in [
        json!("JWT"),
        json!("jwt"),
        json!("at+jwt"),
        json!("application/at+jwt"),
        Value::Null,
    ] {
        let mut head = key.head("f1");
        head["typ"] = kind.clone();
        beside
            .takes(&kind.to_string(), &key.sign(&head, &claims))
            .await;
    }
    let day = 24 * 60 * 60;
    for (name, value) in [
        ("aud", json!(["account", "stoa-shop"])),
        ("exp", json!(now - 14)),
        ("exp", json!(now as f64 + 60.5)),
        ("exp", json!(now + day)),
        ("iat", json!(now + 300 - day)),
        ("nbf", json!(now + 15)),
        ("typ", json!("Bearer")),
        ("typ", json!("JWT")),
        ("token_use", json!("access")),
    ] {
        let what = format!("{name} = {value}");
        let token = key.token("f1", &beside.good_but(name, value));
        beside.takes(&what, &token).await;
    }
    for name in ["iat", "nbf"] {
        let mut claims = beside.good();
        claims.as_object_mut().unwrap().remove(name);
        beside.takes(name, &key.token("f1", &claims)).await;
    }
    // An older Keycloak repeats the nonce in what it calls a bearer's.
    let mut claims = beside.good_but("nonce", json!("n"));
    claims["typ"] = json!("Bearer");
    beside.takes("nonce", &key.token("f1", &claims)).await;
}

/// row: G4
#[tokio::test]
async fn the_claim_that_names_the_person_is_the_one_of_the_list_and_no_other() {
    let key = ed();
    let mut rules = rules(SHOP);
    rules.subject_claim = "https://shop.example/user".to_owned();
    let claim = rules.subject_claim.clone();
    let beside = beside_by(rules, &[key.jwk("f1")], crate::keys::PACE);
    beside
        .refuses("sub is another's word", &key.token("f1", &beside.good()))
        .await;
    let mut claims = beside.good_but(&claim, json!(Uuid::from_u128(7)));
    claims["sub"] = json!("auth0|someone");
    beside.takes("the claim", &key.token("f1", &claims)).await;
}

/// Each has its own keys: whose they are is said by the claim that the signature holds.
///
/// row: S-02, G4
#[tokio::test]
async fn the_keys_of_one_issuer_verify_no_token_of_another() {
    let (key, others) = (ed(), ed());
    let beside = beside(&[key.jwk("k1")]);
    beside
        .other
        .publishes(&[others.jwk("k1"), others.jwk("f2")]);
    beside
        .takes("its own", &key.token("k1", &beside.good()))
        .await;
    let of_other = beside.good_but("iss", json!(OTHER));
    beside
        .takes("the other's own", &others.token("k1", &of_other))
        .await;
    for kid in ["k1", "f2"] {
        beside
            .refuses("by the other's key", &others.token(kid, &beside.good()))
            .await;
    }
    beside
        .refuses("for the other", &key.token("k1", &of_other))
        .await;
    // Ours: the same name of a key, the head that ours have, and our claims.
    let mut head = key.head("k1");
    head["typ"] = json!("at+jwt");
    let ours = beside.own.good();
    beside
        .refuses("as ours", &key.sign(&head, &ours.to_string()))
        .await;
    let as_theirs = beside.own.sign(header(), &beside.good());
    beside.refuses("theirs by our key", &as_theirs).await;
    // A service's name for a key of theirs, and a service's claims.
    let claims = ServiceClaims::new("order", "callee", None, beside.own.clock.now());
    let mut claims = serde_json::to_value(claims).unwrap();
    for iss in ["service:order", SHOP] {
        claims["iss"] = json!(iss);
        for kid in ["order", "k1"] {
            for kind in ["svc+jwt", "at+jwt", "JWT"] {
                let mut head = key.head(kid);
                head["typ"] = json!(kind);
                let token = key.sign(&head, &claims.to_string());
                beside.refuses("as a service", &token).await;
                let service = beside.verifier.verify_service(&token).await;
                assert_eq!(service, Err(Unverified::Bad));
            }
        }
    }
    assert!(
        !beside
            .verifier
            .says_service(&key.token("k1", &beside.good()))
    );
}

/// The algorithm comes from the list and from the key, never from the head alone.
///
/// row: S-02
#[tokio::test]
async fn an_algorithm_that_is_not_its_keys_or_not_listed_is_refused() {
    let keys = [ed(), ec(), rsa()];
    let all: Vec<Value> = keys.iter().map(|key| key.jwk(key.algorithm())).collect();
    let beside = beside(&all);
    let claims = beside.good().to_string();
    for signs in &keys {
        for named in &keys {
            for alg in ["EdDSA", "ES256", "RS256", "HS256"] {
                let mut head = signs.head(named.algorithm());
                head["alg"] = json!(alg);
                let verified = beside.verifier.verify(&signs.sign(&head, &claims)).await;
                let good = signs.algorithm() == named.algorithm() && alg == signs.algorithm();
                assert_eq!(verified.is_ok(), good, "{head} by {}", signs.algorithm());
            }
        }
    }
    // The public half of RSA is no secret: whoever takes it for one signs with it.
    for jwk in &all {
        let text = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
        let public = [text("n"), text("x")].concat();
        let raw = BASE64_URL_SAFE_NO_PAD.decode(&public).unwrap();
        for secret in [raw, public.into_bytes(), jwk.to_string().into_bytes()] {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            for alg in ["HS256", "RS256", "EdDSA", "ES256"] {
                let head = json!({"alg": alg, "typ": "JWT", "kid": jwk["kid"]});
                let sign = |message: &[u8]| hmac::sign(&secret, message).as_ref().to_vec();
                beside.refuses(alg, &signed(&head, &claims, sign)).await;
            }
        }
    }
    // By the list of an issuer that signs by one only, nothing else counts, nor is it asked for.
    let mut only = rules(SHOP);
    only.algorithms = vec![SigningAlgorithm::EdDsa];
    let beside = beside_by(only, &all, crate::keys::PACE);
    for key in &keys[1..] {
        beside
            .refuses(key.algorithm(), &key.token(key.algorithm(), &beside.good()))
            .await;
        assert_eq!(beside.shop.asked(), 0);
    }
    beside
        .takes("EdDSA", &keys[0].token("EdDSA", &beside.good()))
        .await;
    let mut head = keys[2].head("EdDSA");
    head["alg"] = json!("EdDSA");
    beside
        .refuses(
            "RSA as EdDSA",
            &keys[2].sign(&head, &beside.good().to_string()),
        )
        .await;
}

/// row: S-02
#[tokio::test]
async fn keys_that_a_foreign_token_brings_along_are_not_looked_at() {
    let (key, stranger) = (ed(), ed());
    let beside = beside(&[key.jwk("f1")]);
    for (name, value) in [
        ("jwk", stranger.jwk("f1")),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/keys")),
        ("x5c", json!(["x"])),
    ] {
        for kid in ["f1", "other"] {
            let mut head = stranger.head(kid);
            head[name] = value.clone();
            let token = stranger.sign(&head, &beside.good().to_string());
            beside.refuses(name, &token).await;
        }
    }
    assert_eq!(beside.shop.asked(), 1);
}

/// row: G4
#[tokio::test]
async fn a_key_that_is_of_no_use_spoils_nothing_beside_it() {
    let (key, beside) = (ed(), beside(&[]));
    let mut encrypts = rsa().jwk("e1");
    encrypts["use"] = json!("enc");
    let set_of = [
        json!(7),
        json!({}),
        encrypts,
        json!({"kty": "oct", "kid": "f1", "k": "AAAA"}),
        key.jwk("f1"),
    ];
    beside.shop.publishes(&set_of);
    beside
        .takes("the one", &key.token("f1", &beside.good()))
        .await;
}

/// Times by which a test need not wait.
const QUICK: Pace = Pace {
    interval_min: Duration::from_millis(200),
    ..super::keys::PACE
};

/// row: S-03, G4
#[tokio::test]
async fn an_issuer_rotates_its_keys_and_what_it_took_back_verifies_no_more() {
    let (old, new, third) = (ed(), ec(), ed());
    let beside = beside_by(rules(SHOP), &[old.jwk("f1")], QUICK);
    let by_old = old.token("f1", &beside.good());
    beside.takes("the old", &by_old).await;
    let by_new = new.token("f2", &beside.good());
    beside.shop.publishes(&[old.jwk("f1"), new.jwk("f2")]);
    beside.refuses("it was asked just now", &by_new).await;
    assert_eq!(beside.shop.asked(), 1);
    tokio::time::sleep(QUICK.interval_min).await;
    beside.takes("the new", &by_new).await;
    beside.takes("the old, still", &by_old).await;
    assert_eq!(beside.shop.asked(), 2);
    // The old name stands for another key now: what was remembered counts no more.
    beside.shop.publishes(&[third.jwk("f1"), new.jwk("f2")]);
    tokio::time::sleep(QUICK.interval_min).await;
    beside
        .refuses("a stranger's", &new.token("f9", &beside.good()))
        .await;
    assert_eq!(beside.shop.asked(), 3);
    beside.refuses("the key was exchanged", &by_old).await;
    beside
        .takes(
            "the new key of that name",
            &third.token("f1", &beside.good()),
        )
        .await;
    // All taken back.
    beside.shop.publishes(&[]);
    tokio::time::sleep(QUICK.interval_min).await;
    for n in 0..10 {
        let kid = format!("g{n}");
        beside
            .refuses("a stranger's", &new.token(&kid, &beside.good()))
            .await;
    }
    assert_eq!(beside.shop.asked(), 4);
    beside.refuses("taken back", &by_new).await;
}

/// row: S-03, G4
#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_away_hurts_nobody_elses_tokens_and_is_asked_once_an_interval() {
    let (key, others) = (ed(), ed());
    let beside = beside_by(rules(SHOP), &[], crate::keys::PACE_OF_OTHERS);
    beside.other.publishes(&[others.jwk("f1")]);
    beside.shop.answers(Err("connection refused".to_owned()));
    for n in 0..50 {
        let token = key.token(&format!("f{n}"), &beside.good());
        let verified = beside.verifier.verify(&token).await;
        assert_eq!(verified, Err(Unverified::Unchecked));
    }
    assert_eq!(beside.shop.asked(), 1);
    let of_other = others.token("f1", &beside.good_but("iss", json!(OTHER)));
    beside.takes("of another issuer", &of_other).await;
    let ours = beside.own.sign(header(), &beside.own.good());
    let verified = beside.verifier.verify(&ours).await;
    assert_eq!(verified, Ok(Caller::User(customer())));
    // Nor does its housekeeping ask any sooner.
    let keeps = beside.verifier.0.issuers[1].keys().keep_fresh();
    let waits = tokio::time::timeout(Duration::from_secs(9), keeps).await;
    waits.expect_err("it waits for its turn");
    assert_eq!(beside.shop.asked(), 1);
}

/// What says that it is a service's is asked of nobody else, whatever an issuer on the list is called.
///
/// row: G4, G5
#[tokio::test]
async fn a_service_s_token_is_ours_though_an_issuer_is_named_as_it_is() {
    let beside = beside_by(rules("service:order"), &[], crate::keys::PACE);
    let claims = ServiceClaims::new("order", "callee", None, beside.own.clock.now());
    let token = beside.own.service.sign_service(&claims).unwrap();
    let verified = beside.verifier.verify(&token).await;
    let ours = Caller::Service {
        name: "order".into(),
        acting_for: None,
    };
    assert_eq!(verified, Ok(ours));
}

/// row: S-03, G4
#[tokio::test]
async fn keys_that_are_known_stay_good_while_their_issuer_is_away_and_wait_for_nothing() {
    let key = ed();
    let beside = beside_by(rules(SHOP), &[key.jwk("f1")], QUICK);
    beside
        .takes("known", &key.token("f1", &beside.good()))
        .await;
    for answer in [
        Err("away".to_owned()),
        Ok(b"<html>".to_vec()),
        Ok(vec![b' '; JWKS_BYTES_MAX + 1]),
    ] {
        beside.shop.answers(answer);
        tokio::time::sleep(QUICK.interval_min).await;
        let stranger = key.token("f2", &beside.good());
        let verified = beside.verifier.verify(&stranger).await;
        assert_eq!(verified, Err(Unverified::Unchecked));
        let token = key.token("f1", &beside.good_but("n", json!(beside.shop.asked())));
        let verified = beside.verifier.verify(&token).now_or_never();
        assert_eq!(verified, Some(Ok(foreigner())));
    }
}

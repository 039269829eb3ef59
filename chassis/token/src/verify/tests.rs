mod foreign;
mod forged;
mod keys;
mod memory;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use call::{Role, Roles};
use chrono::TimeDelta;
use clock::Manual;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::SigningKey;

struct Bench {
    clock: Clock,
    manual: Manual,
    key: SigningKey,
    service: SigningKey,
    verifier: Verifier,
}

fn bench() -> Bench {
    let (clock, manual) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let key = SigningKey::generate("k1").unwrap();
    let service = SigningKey::generate("order").unwrap();
    let verifier = Verifier::new(
        clock.clone(),
        Keys::fixed([key.public()]),
        Keys::fixed([service.public()]),
        Some("payment"),
    );
    Bench {
        clock,
        manual,
        key,
        service,
        verifier,
    }
}

fn customer() -> User {
    User {
        id: Uuid::from_u128(7),
        roles: Roles::from_iter([Role::Customer]),
        session: Some(Uuid::from_u128(8)),
    }
}

impl Bench {
    fn good(&self) -> Value {
        serde_json::to_value(AccessClaims::new(customer(), Uuid::nil(), self.clock.now())).unwrap()
    }

    fn of_service(&self) -> Value {
        let now = self.clock.now();
        let claims = ServiceClaims::new("order", "payment", Some(customer()), now);
        serde_json::to_value(claims).unwrap()
    }

    fn sign(&self, header: Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let pair =
            ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(self.key.pkcs8()).unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    async fn refuses(&self, what: &str, token: &str) {
        let told = self.verifier.verify(token).await;
        let refused = told == Err(Unverified::Bad);
        proof::must("S-02", refused, format_args!("{what}: {told:?}"));
    }
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"})
}

/// row: G3
#[tokio::test]
async fn a_good_token_names_its_user_until_it_expires() {
    let bench = bench();
    let claims = AccessClaims::new(customer(), Uuid::nil(), bench.clock.now());
    let token = bench.key.sign_access(&claims).unwrap();
    for _ in 0..2 {
        assert_eq!(
            bench.verifier.verify(&token).await,
            Ok(Caller::User(customer()))
        );
    }
    bench.manual.advance(Duration::from_secs(600 + 14));
    assert_eq!(
        bench.verifier.verify(&token).await,
        Ok(Caller::User(customer()))
    );
    bench.manual.advance(Duration::from_secs(2));
    bench
        .refuses("expired by leeway + 1 s, though remembered", &token)
        .await;
}

/// row: S-02, G3
#[tokio::test]
async fn the_signature_of_a_remembered_token_serves_no_other_one() {
    let bench = bench();
    let good = bench.sign(header(), &bench.good());
    assert!(bench.verifier.verify(&good).await.is_ok());
    let (message, signature) = good.rsplit_once('.').unwrap();
    for at in (0..message.len()).filter(|at| message.as_bytes()[*at] != b'.') {
        let mut other = message.to_owned();
        let swapped = if &other[at..=at] == "A" { "B" } else { "A" };
        other.replace_range(at..=at, swapped);
        let what = format!("another character at {at}");
        bench.refuses(&what, &format!("{other}.{signature}")).await;
    }
    bench.refuses("its signature alone", signature).await;
    bench
        .refuses("its end alone", &good[good.len() - 16..])
        .await;
    bench
        .refuses("less than that", &good[good.len() - 15..])
        .await;
    assert!(bench.verifier.verify(&good).await.is_ok());
}

/// row: S-02, G3
#[tokio::test]
async fn whatever_is_wrong_with_a_token_it_is_refused() {
    let bench = bench();
    let good = bench.good();
    assert!(
        bench
            .verifier
            .verify(&bench.sign(header(), &good))
            .await
            .is_ok()
    );

    let with = |base: &Value, key: &str, value: Value| {
        let mut changed = base.clone();
        changed[key] = value;
        changed
    };
    for (key, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("alg", json!("ES256")),
        ("alg", json!("")),
        ("typ", json!("JWT")),
        ("typ", json!("svc+jwt")),
        ("typ", Value::Null),
        ("kid", json!("unknown")),
        ("kid", json!("../../dev/null")),
        ("kid", json!("' OR 1=1")),
        ("kid", json!("k".repeat(10_000))),
        ("kid", json!("")),
        ("kid", Value::Null),
        ("crit", json!(["b64"])),
    ] {
        let token = bench.sign(with(&header(), key, value.clone()), &good);
        bench
            .refuses(&format!("header {key} = {value}"), &token)
            .await;
    }
    let now = bench.clock.now().timestamp();
    for (key, value) in [
        ("iss", json!("evil")),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("sub", json!("not a uuid")),
        ("exp", json!(now - 16)),
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(1e300)),
        ("exp", json!(i64::MAX)),
        ("nbf", json!(now + 16)),
        ("nbf", json!(true)),
        ("roles", json!("admin")),
    ] {
        let token = bench.sign(header(), &with(&good, key, value.clone()));
        bench
            .refuses(&format!("claim {key} = {value}"), &token)
            .await;
    }
    for key in ["exp", "nbf", "aud", "iss", "sub", "roles"] {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(key);
        bench
            .refuses(&format!("no {key}"), &bench.sign(header(), &claims))
            .await;
    }
    for key in ["jku", "jwk", "x5u", "x5c"] {
        let value = if key == "x5c" {
            json!(["x"])
        } else {
            json!("https://evil.example")
        };
        let mut changed = with(&header(), key, value);
        changed["kid"] = json!("unknown");
        bench.refuses(key, &bench.sign(changed, &good)).await;
    }
    let token = bench.sign(header(), &good);
    bench.refuses("truncated", &token[..token.len() - 2]).await;
    bench
        .refuses("too long", &format!("{token}{}", "A".repeat(8192)))
        .await;
    bench.refuses("nothing", "").await;
    let other = SigningKey::generate("k1").unwrap();
    let claims = AccessClaims::new(customer(), Uuid::nil(), bench.clock.now());
    let other = match proof::sabotaged("S-02") {
        true => &bench.key,
        false => &other,
    };
    bench
        .refuses("another key", &other.sign_access(&claims).unwrap())
        .await;
    // 15 headers, 11 claims, 6 that are missing, 4 keys brought along, 4 others.
    proof::held("S-02", 40, 0);
}

/// row: G5
#[tokio::test]
async fn a_service_token_is_for_one_callee_and_carries_whom_it_acts_for() {
    let bench = bench();
    let now = bench.clock.now();
    let sign = |callee: &str| {
        bench
            .service
            .sign_service(&ServiceClaims::new("order", callee, Some(customer()), now))
    };
    let caller = bench.verifier.verify(&sign("payment").unwrap()).await;
    let acting_for = Some(User {
        session: None,
        ..customer()
    });
    assert_eq!(
        caller,
        Ok(Caller::Service {
            name: "order".into(),
            acting_for
        })
    );
    // Where a service is asked for, a person's token is none.
    for (token, is_service) in [
        (sign("payment").unwrap(), true),
        (bench.sign(header(), &bench.good()), false),
    ] {
        let verified = bench.verifier.verify_service(&token).await;
        let expected = if is_service {
            caller.clone()
        } else {
            Err(Unverified::Bad)
        };
        assert_eq!(verified, expected);
        assert_eq!(bench.verifier.says_service(&token), is_service);
    }
    bench
        .refuses("for another callee", &sign("inventory").unwrap())
        .await;
    let forged = ServiceClaims::new("gateway", "payment", None, now);
    bench
        .refuses(
            "order as gateway",
            &bench.service.sign_service(&forged).unwrap(),
        )
        .await;
    bench.manual.advance(Duration::from_secs(76));
    bench.refuses("expired", &sign("payment").unwrap()).await;
}

/// row: S-02
#[tokio::test]
async fn a_token_holds_within_the_leeway_and_up_to_its_longest() {
    let bench = bench();
    let now = bench.clock.now().timestamp();
    for (claim, at, holds) in [
        ("nbf", now + 15, true),
        ("nbf", now + 16, false),
        ("exp", now - 14, true),
        ("exp", now - 15, false),
    ] {
        let mut claims = bench.good();
        claims[claim] = json!(at);
        let verified = bench.verifier.verify(&bench.sign(header(), &claims)).await;
        assert_eq!(verified.is_ok(), holds, "{claim} {}", at - now);
    }
    let padded = |length: usize| {
        let long = |head: usize, body: usize| {
            let (mut header, mut claims) = (header(), bench.good());
            header["x"] = json!("x".repeat(head));
            claims["x"] = json!("x".repeat(body));
            bench.sign(header, &claims)
        };
        let room = (length - long(0, 0).len()) / 4 * 3; // what is signed is written in Base64
        let all = (room - 9..room + 9).flat_map(|body| (0..3).map(move |head| (head, body)));
        all.map(|(head, body)| long(head, body))
            .find(|token| token.len() == length)
            .expect("some padding fits")
    };
    let longest = padded(TOKEN_BYTES_MAX);
    assert!(bench.verifier.verify(&longest).await.is_ok());
    let longer = padded(TOKEN_BYTES_MAX + 1);
    bench.refuses("one byte too long", &longer).await;
}

/// row: S-02
#[test]
fn no_change_of_a_token_verifies() {
    const CHANGES: u32 = 10_000;
    let bench = bench();
    let token = bench.sign(header(), &bench.good()).into_bytes();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(CHANGES));
    let changes = runner.run(&(any::<usize>(), 0x21u8..0x7f), |(at, to)| {
        let mut changed = token.clone();
        let at = at % changed.len();
        prop_assume!(changed[at] != to);
        changed[at] = to;
        // The last character of a signature has bits that decode to nothing.
        prop_assume!(at != changed.len() - 1);
        let changed = std::str::from_utf8(&changed).expect("it is ASCII");
        let verified = futures::executor::block_on(bench.verifier.verify(changed));
        prop_assert_eq!(verified, Err(Unverified::Bad));
        Ok(())
    });
    changes.unwrap();
    proof::held("S-02", CHANGES as usize, 0);
}

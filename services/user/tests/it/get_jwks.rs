use std::collections::HashSet;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use testkit::both_engines;

use crate::app::{Answer, TestApp, call};

const JWKS: &str = "AuthService/GetJwks";
const DAY: Duration = Duration::from_secs(24 * 3600);
const LIFE_AND_LEEWAY: Duration = Duration::from_secs(600 + 15);

async fn kids(app: &TestApp) -> Vec<String> {
    let keys = app.call(JWKS, "", json!({})).await.ok();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// row: G4, P3
#[both_engines]
async fn the_keys_are_public_and_cacheable(app: TestApp) {
    app.sign_up("Ada", "ada@example.test").await;
    let request = "/stoa.user.v1.AuthService/GetJwks?connect=v1&encoding=json&message=%7B%7D";
    let request = Request::get(request).body(Body::empty()).unwrap();
    let answer = Answer::of(app.app.handle(request).await).await;
    let keys = answer.ok();
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let [key] = &keys["keys"].as_array().unwrap()[..] else {
        panic!("{keys}")
    };
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    let fixed = ["kty", "crv", "use", "alg"].map(text);
    assert_eq!(fixed, ["OKP", "Ed25519", "sig", "EdDSA"]);
    assert_eq!((text("x").len(), text("kid").len()), (43, 22));
    assert_eq!(key.as_object().unwrap().len(), 6, "no private part: {key}");
}

/// Two months of daily sign-ins: a key is published for a day before it signs, and for as long as
/// a token of it may be shown. Verifiers that read the keys every five minutes therefore know the
/// key of every living token.
///
/// row: G4, S-03
#[both_engines]
async fn keys_are_rotated_without_a_failure(app: TestApp) {
    app.sign_up("Ada", "ada@example.test").await;
    let mut before = kids(&app).await;
    let mut all: HashSet<String> = HashSet::new();
    for day in 0..62 {
        app.keyring.tend().await.unwrap();
        let ada = app.sign_in("ada@example.test").await;
        let kid = kid(&ada.access_token);
        assert!(
            before.contains(&kid),
            "day {day}: a new key signs unannounced"
        );
        before = kids(&app).await;
        assert!(before.len() <= 2);

        app.time.advance(LIFE_AND_LEEWAY);
        app.keyring.tend().await.unwrap();
        assert!(
            kids(&app).await.contains(&kid),
            "day {day}: a living token lost its key"
        );
        app.time.advance(DAY - LIFE_AND_LEEWAY);
        all.insert(kid);
    }
    assert_eq!(all.len(), 3);
    let ada = app.sign_in("ada@example.test").await;
    let (replica, read) = (app.replica().await, json!({"id": ada.id}));
    let answer = call(
        &replica,
        "UserService/GetUser",
        &ada.access_token,
        &[],
        read,
    );
    answer.await.ok();
}

/// row: G4
#[both_engines]
async fn replicas_that_start_at_once_make_one_key(app: TestApp) {
    let replicas = [
        app.replica().await,
        app.replica().await,
        app.replica().await,
    ];
    let asked = replicas
        .iter()
        .map(|replica| call(replica, JWKS, "", &[], json!({})));
    let answers = futures::future::join_all(asked).await;
    let answers: Vec<Value> = answers.iter().map(Answer::ok).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(kids(&app).await.len(), 1);
}

fn kid(access_token: &str) -> String {
    let header = access_token.split('.').next().unwrap();
    let header = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header);
    let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::both_engines;

use crate::app::{PASSWORD, TestApp};

const SIGN_UP: &str = "AuthService/SignUp";

/// row: X23
#[both_engines]
async fn a_stranger_becomes_a_customer_and_is_signed_in(app: TestApp) {
    let message =
        json!({"name": "Ada Lovelace", "email": "ada@example.test", "password": PASSWORD});
    let answer = app.call(SIGN_UP, "", message).await;
    let body = answer.ok();
    assert_eq!(body["user"]["roles"], json!(["customer"]));
    assert_eq!(
        (&body["tokens"]["tokenType"], &body["tokens"]["expiresIn"]),
        (&json!("Bearer"), &json!(600))
    );
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    let token = body["tokens"]["accessToken"].as_str().unwrap();
    let read = app
        .call(
            "UserService/GetUser",
            token,
            json!({"id": body["user"]["id"]}),
        )
        .await;
    assert_eq!(read.ok(), body["user"]);
    app.sign_in("ada@example.test").await;
    let told = app.told().await;
    assert_eq!(
        told,
        [(
            "user.created".to_owned(),
            body["user"]["id"].as_str().unwrap().to_owned(),
            1
        )]
    );
}

/// The exact claims that every service asks for.
///
/// row: G3
#[both_engines]
async fn an_access_token_says_who_for_whom_and_how_long(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let parts: Vec<&str> = ada.access_token.split('.').collect();
    let part = |index: usize| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[index]).unwrap()).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("EdDSA"), &json!("at+jwt"))
    );
    assert_eq!(header["kid"].as_str().unwrap().len(), 22);
    let now = 1_800_000_000_i64;
    assert_eq!(claims["sub"], json!(ada.id));
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!("stoa"), &json!("stoa"))
    );
    assert_eq!(
        (&claims["nbf"], &claims["exp"]),
        (&json!(now), &json!(now + 600))
    );
    assert_eq!(claims["roles"], json!(["customer"]));
    assert!(
        !claims.to_string().contains("ada@example.test"),
        "a token tells no address"
    );
}

/// row: X23
#[both_engines]
async fn an_access_token_is_good_for_ten_minutes(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let read = async || {
        app.call(
            "UserService/GetUser",
            &ada.access_token,
            json!({"id": ada.id}),
        )
        .await
    };
    app.time.advance(std::time::Duration::from_secs(600 + 14));
    read().await.ok();
    app.time.advance(std::time::Duration::from_secs(1));
    assert_eq!(read().await.code(), "unauthenticated");
}

/// row: S-06
#[both_engines]
async fn roles_in_a_sign_up_are_ignored(app: TestApp) {
    let message = json!({
        "email": "ada@example.test", "password": PASSWORD, "roles": ["admin"],
        "user": {"roles": ["admin"]},
    });
    let body = app.call(SIGN_UP, "", message).await.ok();
    assert_eq!(body["user"]["roles"], json!(["customer"]));
}

/// row: X23, P18
#[both_engines]
async fn what_cannot_be_is_named(app: TestApp) {
    for (email, password, field) in [
        ("", PASSWORD, "email"),
        ("nobody", PASSWORD, "email"),
        ("a@example.test", "1234567", "password"),
        ("a@example.test", &"x".repeat(129), "password"),
    ] {
        let answer = app
            .call(SIGN_UP, "", json!({"email": email, "password": password}))
            .await;
        assert_eq!(answer.code(), "invalid_argument");
        let body = answer.json();
        assert!(
            body["message"].as_str().unwrap().starts_with(field),
            "{body}"
        );
        assert!(
            !body.to_string().contains(&password[..7]),
            "no password comes back"
        );
    }
    assert_eq!(app.told().await, []);
}

/// What anybody would try first is refused as a field that breaks a rule of the contract is.
///
/// row: X23, P18
#[both_engines]
async fn a_password_that_anybody_would_try_is_refused(app: TestApp) {
    for password in [
        "12345678",
        "P@ssw0rd1",
        "aaaaaaaa",
        "qwertyuiop",
        "Lovelace1815",
    ] {
        let message =
            json!({"name": "Ada Lovelace", "email": "ada@example.test", "password": password});
        let answer = app.call(SIGN_UP, "", message).await;
        assert_eq!(answer.code(), "invalid_argument", "{password}");
        let body = answer.json();
        let told = body["message"].as_str().unwrap();
        assert!(
            told.starts_with("password: is one that many people take"),
            "{told}"
        );
        let detail = &body["details"][0];
        assert_eq!(detail["type"], "buf.validate.Violations", "{body}");
        let value = detail["value"].as_str().unwrap();
        let value = STANDARD_NO_PAD.decode(value.trim_end_matches('=')).unwrap();
        for part in ["password", "password.guessed", "three or four words"] {
            let found = value.windows(part.len()).any(|it| it == part.as_bytes());
            assert!(found, "{part}: {body}");
        }
        assert!(
            !body.to_string().contains(password),
            "no password comes back"
        );
    }
    assert_eq!(app.told().await, []);
    // Who chose theirs before there was this rule can still sign in, or try to.
    let tried = app.try_sign_in("ada@example.test", "12345678").await;
    assert_eq!(tried.code(), "unauthenticated");
}

/// row: D1
#[both_engines]
async fn a_taken_address_makes_no_second_account(app: TestApp) {
    app.sign_up("Ada", "ada@example.test").await;
    let message = json!({"email": "Ada@Example.test", "password": "another password"});
    let answer = app.call(SIGN_UP, "", message).await;
    assert_eq!(answer.code(), "already_exists");
    assert!(answer.has_reason("EMAIL_TAKEN"));
    app.sign_in("ada@example.test").await;
    let other = app
        .try_sign_in("ada@example.test", "another password")
        .await;
    assert_eq!(other.code(), "unauthenticated");
}

/// row: R-09
#[both_engines]
async fn the_same_address_twenty_times_at_once_is_one_account(app: TestApp) {
    let message = json!({"email": "ada@example.test", "password": PASSWORD});
    let calls = (0..20).map(|_| app.call(SIGN_UP, "", message.clone()));
    let answers = futures::future::join_all(calls).await;
    let made = answers
        .iter()
        .filter(|answer| answer.status.is_success())
        .count();
    let refused = answers.iter().filter(|answer| !answer.status.is_success());
    let refused: Vec<String> = refused.map(|answer| answer.code()).collect();
    assert_eq!(made, 1, "{refused:?}");
    assert!(
        refused
            .iter()
            .all(|code| code == "already_exists" || code == "aborted"),
        "{refused:?}"
    );
    assert_eq!(app.told().await.len(), 1);
}

/// What an engine cannot store, or would break a line, is the caller's fault on both.
///
/// row: S-09, S-10
#[both_engines]
async fn control_characters_are_refused_but_in_passwords(app: TestApp) {
    for name in ["a\u{0}b", "a\nBcc: b"] {
        let message = json!({"name": name, "email": "ada@example.test", "password": PASSWORD});
        assert_eq!(
            app.call(SIGN_UP, "", message).await.code(),
            "invalid_argument"
        );
    }
    let hidden =
        json!({"name": "evil\u{202e}nimda", "email": "ada@example.test", "password": PASSWORD});
    let refused = app.call(SIGN_UP, "", hidden).await;
    assert_eq!(refused.code(), "invalid_argument");
    assert!(refused.names("name"));
    let message = json!({"email": "a\u{0}da@example.test", "password": PASSWORD});
    assert_eq!(
        app.call(SIGN_UP, "", message).await.code(),
        "invalid_argument"
    );
    let message = json!({"email": "ada@example.test", "password": "nul \u{0} is fine"});
    app.call(SIGN_UP, "", message).await.ok();
    let answer = app.try_sign_in("ada\u{0}@example.test", PASSWORD).await;
    assert_eq!(answer.code(), "invalid_argument");
    app.try_sign_in("ada@example.test", "nul \u{0} is fine")
        .await
        .ok();

    let admin = app.admin().await.access_token;
    let block = json!({"id": uuid::Uuid::from_u128(9), "reason": "a\u{0}b"});
    let answer = app.call("UserAdminService/BlockUser", &admin, block).await;
    assert_eq!(answer.code(), "invalid_argument");
}

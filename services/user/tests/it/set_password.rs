use call::Role;
use serde_json::json;
use testkit::both_engines;

use crate::app::{PASSWORD, TestApp};

const SET: &str = "UserAdminService/SetPassword";
const NEW: &str = "another password";

/// row: X23
#[both_engines]
async fn a_new_password_ends_all_sessions(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await.access_token;
    let answer = app
        .call(SET, &admin, json!({"id": ada.id, "password": NEW}))
        .await;
    assert_eq!(answer.ok(), json!({}));
    assert_eq!(
        app.refresh(&ada.refresh_token).await.code(),
        "unauthenticated"
    );
    assert_eq!(
        app.try_sign_in("ada@example.test", PASSWORD).await.code(),
        "unauthenticated"
    );
    app.try_sign_in("ada@example.test", NEW).await.ok();
}

/// row: X23
#[both_engines]
async fn an_account_without_a_password_gets_its_first(app: TestApp) {
    let admin = app.admin().await.access_token;
    let made = json!({"email": "ada@example.test"});
    let made = app.call("UserService/CreateUser", &admin, made).await.ok();
    app.call(SET, &admin, json!({"id": made["id"], "password": NEW}))
        .await
        .ok();
    app.try_sign_in("ada@example.test", NEW).await.ok();
}

/// row: S-01, P18
#[both_engines]
async fn only_an_admin_sets_passwords_and_only_good_ones(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let support = app
        .staff("support@example.test", &[Role::Support])
        .await
        .access_token;
    for token in [&ada.access_token, &support] {
        let answer = app
            .call(SET, token, json!({"id": ada.id, "password": NEW}))
            .await;
        assert_eq!(answer.code(), "permission_denied");
    }
    let admin = app.admin().await.access_token;
    for (id, password, code) in [
        (ada.id.as_str(), "1234567", "invalid_argument"),
        (
            ada.id.as_str(),
            "e\u{301}e\u{301}e\u{301}e\u{301}",
            "invalid_argument",
        ),
        (ada.id.as_str(), "Password123", "invalid_argument"),
        (ada.id.as_str(), "ada@example.test", "invalid_argument"),
        ("x", NEW, "invalid_argument"),
        ("01890000-0000-7000-8000-000000000001", NEW, "not_found"),
    ] {
        let answer = app
            .call(SET, &admin, json!({"id": id, "password": password}))
            .await;
        assert_eq!(answer.code(), code, "{id} {password}");
    }
    app.sign_in("ada@example.test").await;
}

/// The record of the key tells a repeat from a misuse, and nothing of the password to whoever
/// guesses fast.
///
/// row: S-16, X10
#[both_engines]
async fn a_repeat_under_the_same_key_is_known_without_a_fast_hash(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await.access_token;
    let set = async |password: &str| {
        let message = json!({"id": ada.id, "password": password});
        app.call_with(SET, &admin, &[("idempotency-key", "k")], message)
            .await
    };
    assert_eq!(set(NEW).await.header("idempotency-replayed"), None);
    let signed_in = app.try_sign_in("ada@example.test", NEW).await.ok();
    assert_eq!(set(NEW).await.header("idempotency-replayed"), Some("true"));
    let token = signed_in["tokens"]["refreshToken"].as_str().unwrap();
    app.refresh(token).await.ok();
    assert_eq!(set("yet another one").await.code(), "invalid_argument");
}

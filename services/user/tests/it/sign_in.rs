use serde_json::json;
use testkit::{Engine, both_engines};

use crate::app::{PASSWORD, TestApp, config};

/// row: X23, S-08
#[both_engines]
async fn a_wrong_password_and_an_unknown_address_answer_alike(app: TestApp) {
    app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await.access_token;
    let without = json!({"email": "without@example.test"});
    app.call("UserService/CreateUser", &admin, without)
        .await
        .ok();
    let wrong = app.try_sign_in("ada@example.test", "wrong password").await;
    assert_eq!(wrong.code(), "unauthenticated");
    assert!(wrong.has_reason("WRONG_CREDENTIALS"));
    for (email, password) in [
        ("nobody@example.test", PASSWORD),
        ("not an address", PASSWORD),
        ("without@example.test", PASSWORD),
        ("ada@example.test", "correct horse batterx"),
    ] {
        let answer = app.try_sign_in(email, password).await;
        assert_eq!(
            (answer.status, &answer.bytes),
            (wrong.status, &wrong.bytes),
            "{email}"
        );
    }
}

/// row: X23
#[both_engines]
async fn letters_case_and_form_of_the_address_do_not_matter(app: TestApp) {
    let ada = app.sign_up("Ada", "Ada@Example.test").await;
    assert_eq!(app.sign_in("ADA@example.TEST").await.id, ada.id);
}

/// row: X23
#[both_engines]
async fn a_password_is_the_same_in_every_unicode_form(app: TestApp) {
    let message = json!({"email": "ada@example.test", "password": "pa\u{df}w\u{f6}rt caf\u{e9}"});
    app.call("AuthService/SignUp", "", message).await.ok();
    app.try_sign_in("ada@example.test", "pa\u{df}wo\u{308}rt cafe\u{301}")
        .await
        .ok();
}

/// row: D4
#[both_engines]
async fn a_blocked_account_is_told_so_only_with_the_right_password(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await.access_token;
    app.call("UserAdminService/BlockUser", &admin, json!({"id": ada.id}))
        .await
        .ok();
    let right = app.try_sign_in("ada@example.test", PASSWORD).await;
    assert_eq!(right.code(), "failed_precondition");
    assert_eq!(right.json()["message"], "User blocked");
    assert!(right.has_reason("USER_BLOCKED"));
    let wrong = app.try_sign_in("ada@example.test", "wrong password").await;
    assert_eq!(wrong.code(), "unauthenticated");
}

/// row: S-08
#[both_engines]
async fn an_account_backs_off_after_five_wrong_passwords(app: TestApp) {
    app.sign_up("Ada", "ada@example.test").await;
    app.sign_up("Grace", "grace@example.test").await;
    for email in ["ada@example.test", "nobody@example.test"] {
        for _ in 0..5 {
            let answer = app.try_sign_in(email, "wrong password").await;
            assert_eq!(answer.code(), "unauthenticated");
        }
        let answer = app.try_sign_in(email, PASSWORD).await;
        assert_eq!(answer.code(), "resource_exhausted");
        assert!(answer.has_reason("TOO_MANY_ATTEMPTS"));
        assert_eq!(answer.header("retry-after"), Some("12"));
    }
    app.sign_in("grace@example.test").await;
    app.time.advance(std::time::Duration::from_secs(12));
    app.sign_in("ada@example.test").await;
    for _ in 0..5 {
        app.sign_in("ada@example.test").await;
    }
}

/// row: S-08
#[both_engines]
async fn guesses_at_once_gain_nothing(app: TestApp) {
    app.sign_up("Ada", "ada@example.test").await;
    let guesses = (0..50).map(|_| app.try_sign_in("ada@example.test", "wrong password"));
    let answers = futures::future::join_all(guesses).await;
    let compared = answers
        .iter()
        .filter(|answer| answer.code() == "unauthenticated")
        .count();
    assert_eq!(compared, 5);
}

/// row: X23
#[both_engines]
async fn a_hash_of_lower_cost_is_replaced(engine: Engine) {
    let mut dear = config();
    dear.password.passes = 2;
    let app = TestApp::on_with(engine, dear).await;
    // Made at a lower cost, by the harness.
    app.staff("ada@example.test", &[]).await;
    let hashes = async || {
        let rows = app.rows("select password_hash from credentials").await;
        rows[0].try_get::<String>("", "password_hash").unwrap()
    };
    let replaced = hashes().await;
    assert!(
        replaced.starts_with("$argon2id$v=19$m=8,t=2,p=1$"),
        "{replaced}"
    );
    app.sign_in("ada@example.test").await;
    assert_eq!(hashes().await, replaced);
}

/// An endless loop of sign-ins leaves a bounded number of sessions.
#[tokio::test]
async fn the_oldest_session_makes_room() {
    let app: TestApp = testkit::on(Engine::Sqlite).await;
    let first = app.sign_up("Ada", "ada@example.test").await;
    let mut last = first.clone();
    for _ in 0..50 {
        app.time.advance(std::time::Duration::from_millis(10));
        last = app.sign_in("ada@example.test").await;
    }
    assert_eq!(
        app.refresh(&first.refresh_token).await.code(),
        "unauthenticated"
    );
    app.refresh(&last.refresh_token).await.ok();
}

/// row: E13
#[both_engines]
async fn nothing_that_signs_anyone_in_is_stored(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let told = app.outbox().await;
    let all = format!("{told:?}");
    assert!(!all.contains(PASSWORD) && !all.contains(&ada.refresh_token));
    let rows = app.rows("select token_hash from sessions").await;
    let hash: Vec<u8> = rows[0].try_get("", "token_hash").unwrap();
    let token = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        &ada.refresh_token,
    );
    assert!(!token.unwrap().windows(32).any(|window| window == hash));
}

use serde_json::json;
use testkit::both_engines;

use crate::app::{Answer, PASSWORD, Person, TestApp};

const NEW: &str = "another password";

async fn change(app: &TestApp, person: &Person, current: &str, next: &str) -> Answer {
    let message = json!({"currentPassword": current, "password": next});
    app.call("AuthService/ChangePassword", &person.access_token, message)
        .await
}

/// row: X23
#[both_engines]
async fn a_changed_password_ends_all_other_sessions(app: TestApp) {
    let there = app.sign_up("Ada", "ada@example.test").await;
    let here = app.sign_in("ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    change(&app, &here, PASSWORD, NEW).await.ok();
    let over = app.refresh(&there.refresh_token).await;
    assert_eq!(over.code(), "unauthenticated");
    app.refresh(&here.refresh_token).await.ok();
    app.refresh(&grace.refresh_token).await.ok();
    let old = app.try_sign_in("ada@example.test", PASSWORD).await;
    assert_eq!(old.code(), "unauthenticated");
    app.try_sign_in("ada@example.test", NEW).await.ok();
}

/// row: X23
#[both_engines]
async fn only_who_knows_the_password_changes_it_and_only_to_a_good_one(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let wrong = change(&app, &ada, "wrong password", NEW).await;
    assert_eq!(wrong.code(), "invalid_argument");
    assert!(wrong.has_reason("WRONG_PASSWORD"));
    assert!(wrong.names("current_password"), "{:?}", wrong.json());
    for bad in ["1234567", "Password123", "ada@example.test"] {
        let refused = change(&app, &ada, PASSWORD, bad).await;
        assert_eq!(refused.code(), "invalid_argument", "{bad}");
        assert!(refused.names("password") && !refused.names("current_password"));
    }
    app.sign_in("ada@example.test").await;
    let stranger = json!({"currentPassword": PASSWORD, "password": NEW});
    let stranger = app.call("AuthService/ChangePassword", "", stranger).await;
    assert_eq!(stranger.code(), "unauthenticated");
}

/// Who found somebody's browser open cannot try passwords there, nor keep them from signing in.
///
/// row: X23, S-08
#[both_engines]
async fn guesses_at_the_current_password_are_few_and_counted_apart(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    for _ in 0..5 {
        let wrong = change(&app, &ada, "wrong password", NEW).await;
        assert_eq!(wrong.code(), "invalid_argument");
    }
    let refused = change(&app, &ada, PASSWORD, NEW).await;
    assert_eq!(refused.code(), "resource_exhausted");
    assert!(refused.has_reason("TOO_MANY_ATTEMPTS"));
    let ada = app.sign_in("ada@example.test").await;
    assert_eq!(
        change(&app, &ada, PASSWORD, NEW).await.code(),
        "resource_exhausted"
    );
    app.pass(12);
    change(&app, &ada, PASSWORD, NEW).await.ok();
}

use serde_json::{Value, json};
use testkit::both_engines;

use crate::app::{Answer, PASSWORD, TestApp};

const ADA: &str = "ada@example.test";

async fn sign_in(app: &TestApp, password: &str, device: &Value) -> Answer {
    let message = json!({"email": ADA, "password": password, "deviceToken": device});
    app.call("AuthService/SignIn", "", message).await
}

async fn strangers_guess(app: &TestApp) {
    for _ in 0..100 {
        let guess = app.try_sign_in(ADA, "wrong password").await;
        guess.code();
    }
    let right = app.try_sign_in(ADA, PASSWORD).await;
    assert_eq!(right.code(), "resource_exhausted");
}

/// row: X23, S-08
#[both_engines]
async fn who_is_guessed_at_signs_in_on_a_device_that_the_account_knows(app: TestApp) {
    app.sign_up("Ada", ADA).await;
    let signed_in = app.try_sign_in(ADA, PASSWORD).await.ok();
    let device = &signed_in["deviceToken"];
    let grace = json!({"email": "grace@example.test", "password": PASSWORD});
    let grace = app.call("AuthService/SignUp", "", grace).await.ok();
    strangers_guess(&app).await;
    sign_in(&app, PASSWORD, device).await.ok();
    let still = app.try_sign_in(ADA, PASSWORD).await;
    assert_eq!(still.code(), "resource_exhausted", "strangers still wait");
    for other in [&grace["deviceToken"], &json!("x"), &json!("")] {
        let stranger = sign_in(&app, PASSWORD, other).await;
        assert_eq!(stranger.code(), "resource_exhausted", "{other}");
    }
    // Whoever has the device has no more guesses than a stranger.
    for _ in 0..5 {
        let wrong = sign_in(&app, "wrong password", device).await;
        assert_eq!(wrong.code(), "unauthenticated");
    }
    let waits = sign_in(&app, PASSWORD, device).await;
    assert_eq!(waits.code(), "resource_exhausted");
    app.pass(12);
    sign_in(&app, PASSWORD, device).await.ok();
}

/// Whoever knew the old password may have signed in on many.
///
/// row: X23, S-08
#[both_engines]
async fn a_new_password_is_known_on_no_device_but_the_one_it_was_chosen_on(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    let old = app.try_sign_in(ADA, PASSWORD).await.ok()["deviceToken"].clone();
    let mark = format!("__Host-device={}", old.as_str().unwrap());
    app.pass(1);
    let change = json!({"currentPassword": PASSWORD, "password": "another password"});
    let here = [("cookie", mark.as_str())];
    let changed = app
        .call_with(
            "AuthService/ChangePassword",
            &ada.access_token,
            &here,
            change,
        )
        .await;
    changed.ok();
    let kept = changed.header("set-cookie").unwrap();
    let kept = kept.trim_start_matches("__Host-device=").split(';').next();
    strangers_guess(&app).await;
    let stranger = sign_in(&app, "another password", &old).await;
    assert_eq!(stranger.code(), "resource_exhausted");
    sign_in(&app, "another password", &json!(kept)).await.ok();
}

/// row: X23, S-08, S-17
#[both_engines]
async fn a_browser_keeps_its_mark_in_a_cookie_also_when_its_owner_is_signed_out(app: TestApp) {
    let account = json!({"email": ADA, "password": PASSWORD, "useCookie": true});
    let signed_up = app.call("AuthService/SignUp", "", account.clone()).await;
    assert!(signed_up.ok()["deviceToken"].is_null());
    let cookies = signed_up.headers.get_all("set-cookie").iter();
    let cookies: Vec<&str> = cookies.map(|value| value.to_str().unwrap()).collect();
    let device = cookies.iter().find(|one| one.starts_with("__Host-device="));
    let device = *device.expect("it is set");
    for part in [
        "Secure",
        "HttpOnly",
        "SameSite=Strict",
        "Path=/",
        "Max-Age=34560000",
    ] {
        assert!(device.contains(&format!("; {part}")), "{device}");
    }
    strangers_guess(&app).await;
    let cookie = [("cookie", device.split(';').next().unwrap())];
    let again = app
        .call_with("AuthService/SignIn", "", &cookie, account)
        .await;
    again.ok();
}

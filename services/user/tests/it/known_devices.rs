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
    let change = json!({
        "currentPassword": PASSWORD, "password": "another password", "useCookie": true,
    });
    let here = [("cookie", mark.as_str())];
    let changed = app
        .call_with(
            "AuthService/ChangePassword",
            &ada.access_token,
            &here,
            change,
        )
        .await;
    assert_eq!(changed.ok(), json!({}));
    let kept = changed.header("set-cookie").unwrap();
    let kept = kept.trim_start_matches("__Host-device=").split(';').next();
    strangers_guess(&app).await;
    let stranger = sign_in(&app, "another password", &old).await;
    assert_eq!(stranger.code(), "resource_exhausted");
    sign_in(&app, "another password", &json!(kept)).await.ok();
}

/// Also where no browser keeps a cookie.
///
/// row: X23, S-08
#[both_engines]
async fn who_changes_the_password_stays_no_stranger(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    app.pass(1);
    let change = json!({"currentPassword": PASSWORD, "password": "another password"});
    let changed = app.call("AuthService/ChangePassword", &ada.access_token, change);
    let changed = changed.await;
    assert_eq!(changed.header("set-cookie"), None);
    strangers_guess(&app).await;
    let device = &changed.ok()["deviceToken"];
    sign_in(&app, "another password", device).await.ok();
}

/// However the clocks of those stand who wrote the one and the other.
///
/// row: X23, S-08, R-19
#[both_engines]
async fn a_mark_of_another_password_is_void_whichever_clock_is_ahead(app: TestApp) {
    app.pass(3600);
    app.sign_up("Ada", ADA).await;
    let device = app.try_sign_in(ADA, PASSWORD).await.ok()["deviceToken"].clone();
    app.time.set(crate::app::start()); // the next password is older than the mark
    let (admin, ada) = (app.admin().await, app.sign_in(ADA).await);
    let next = json!({"id": ada.id, "password": "another password"});
    let set = app.call("UserAdminService/SetPassword", &admin.access_token, next);
    set.await.ok();
    strangers_guess(&app).await;
    let stranger = sign_in(&app, "another password", &device).await;
    assert_eq!(stranger.code(), "resource_exhausted");
}

/// Or somebody who makes an account at an address that was another's would know their devices.
///
/// row: X23, S-08
#[both_engines]
async fn a_mark_follows_its_account_to_another_address_and_is_nobody_elses(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    let old = app.try_sign_in(ADA, PASSWORD).await.ok()["deviceToken"].clone();
    let mark = format!("__Host-device={}", old.as_str().unwrap());
    let moved =
        json!({"id": ada.id, "email": "countess@example.test", "currentPassword": PASSWORD});
    let here = [("cookie", mark.as_str())];
    let rpc = "UserService/UpdateUser";
    let moved = app.call_with(rpc, &ada.access_token, &here, moved).await;
    moved.ok();
    let kept = moved.header("set-cookie").unwrap();
    let kept = kept.trim_start_matches("__Host-device=").split(';').next();
    app.sign_up("Other Ada", ADA).await; // at the same microsecond
    strangers_guess(&app).await;
    let stranger = sign_in(&app, PASSWORD, &old).await;
    assert_eq!(stranger.code(), "resource_exhausted");
    for _ in 0..6 {
        let guess = app.try_sign_in("countess@example.test", "wrong password");
        guess.await.code();
    }
    let owner =
        json!({"email": "countess@example.test", "password": PASSWORD, "deviceToken": kept});
    app.call("AuthService/SignIn", "", owner).await.ok();
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

use serde_json::json;
use testkit::both_engines;

use crate::app::{PASSWORD, TestApp};

const SIGN_OUT: &str = "AuthService/SignOut";

/// row: X23
#[both_engines]
async fn signing_out_ends_one_session(app: TestApp) {
    let here = app.sign_up("Ada", "ada@example.test").await;
    let there = app.sign_in("ada@example.test").await;
    let message = json!({"refreshToken": here.refresh_token});
    for _ in 0..2 {
        app.call(SIGN_OUT, &here.access_token, message.clone())
            .await
            .ok();
    }
    assert_eq!(
        app.refresh(&here.refresh_token).await.code(),
        "unauthenticated"
    );
    app.refresh(&there.refresh_token).await.ok();
}

/// row: X23
#[both_engines]
async fn signing_out_everywhere_ends_all_of_ones_own(app: TestApp) {
    let here = app.sign_up("Ada", "ada@example.test").await;
    let there = app.sign_in("ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    app.call(SIGN_OUT, &here.access_token, json!({"allSessions": true}))
        .await
        .ok();
    for token in [&here.refresh_token, &there.refresh_token] {
        assert_eq!(app.refresh(token).await.code(), "unauthenticated");
    }
    app.refresh(&grace.refresh_token).await.ok();
}

/// row: X23, S-05
#[both_engines]
async fn nobody_signs_others_out(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let message = json!({"refreshToken": grace.refresh_token});
    app.call(SIGN_OUT, &ada.access_token, message).await.ok();
    app.refresh(&grace.refresh_token).await.ok();
    assert_eq!(
        app.call(SIGN_OUT, "", json!({})).await.code(),
        "unauthenticated"
    );
}

/// row: X23, S-17
#[both_engines]
async fn a_browser_signs_out_by_its_cookie_and_forgets_it(app: TestApp) {
    let message = json!({"email": "ada@example.test", "password": PASSWORD, "useCookie": true});
    let answer = app.call("AuthService/SignUp", "", message).await;
    let access = answer.ok()["tokens"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();

    let strange = [("cookie", cookie), ("sec-fetch-site", "cross-site")];
    let refused = app.call_with(SIGN_OUT, &access, &strange, json!({})).await;
    assert_eq!(refused.code(), "permission_denied");

    let own = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    let answer = app.call_with(SIGN_OUT, &access, &own, json!({})).await;
    answer.ok();
    assert!(
        answer
            .header("set-cookie")
            .unwrap()
            .starts_with("__Host-sid=;")
    );
    let refresh = app
        .call_with("AuthService/Refresh", "", &own, json!({}))
        .await;
    assert_eq!(refresh.code(), "unauthenticated");
}

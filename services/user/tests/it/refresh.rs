use std::time::Duration;

use serde_json::json;
use testkit::both_engines;

use crate::app::{Answer, PASSWORD, TestApp};

const REFRESH: &str = "AuthService/Refresh";

fn token(answer: &Answer) -> String {
    answer.ok()["tokens"]["refreshToken"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Signs up by cookie and gives the cookie's pair of name and value.
async fn sign_up_by_cookie(app: &TestApp) -> String {
    let message = json!({"email": "ada@example.test", "password": PASSWORD, "useCookie": true});
    let answer = app.call("AuthService/SignUp", "", message).await;
    assert_eq!(
        answer.ok()["tokens"].get("refreshToken"),
        None,
        "the body holds no refresh token"
    );
    pair(&answer)
}

fn pair(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").expect("a cookie is set");
    cookie.split(';').next().unwrap().to_owned()
}

/// row: X23
#[both_engines]
async fn each_use_gives_another_token_and_the_roles_of_now(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await.access_token;
    let promote = json!({"id": ada.id, "roles": ["operator"]});
    app.call("UserService/UpdateUser", &admin, promote)
        .await
        .ok();
    let first = app.refresh(&ada.refresh_token).await;
    let second = app.refresh(&token(&first)).await;
    assert_ne!(token(&first), token(&second));
    let access = second.ok()["tokens"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let read = app
        .call("UserService/GetUser", &access, json!({"id": ada.id}))
        .await
        .ok();
    assert_eq!(read["roles"], json!(["operator"]));
}

/// row: X23
#[both_engines]
async fn two_tabs_at_once_stay_signed_in(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let tabs = (0..10).map(|_| app.refresh(&ada.refresh_token));
    let answers = futures::future::join_all(tabs).await;
    let good: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status.is_success() || answer.code() != "aborted")
        .map(token)
        .collect();
    assert!(
        !good.is_empty() && good.iter().all(|token| *token == good[0]),
        "{good:?}"
    );
    app.refresh(&good[0]).await.ok();
}

/// row: X23
#[both_engines]
async fn a_token_used_again_later_ends_the_family(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let other = app.sign_in("ada@example.test").await;
    let stolen = token(&app.refresh(&ada.refresh_token).await);
    app.time.advance(Duration::from_secs(21)); // the grace, and clocks that differ
    let reused = app.refresh(&ada.refresh_token).await;
    assert_eq!(reused.code(), "unauthenticated");
    assert!(reused.has_reason("SESSION_OVER"));
    assert_eq!(app.refresh(&stolen).await.bytes, reused.bytes);
    app.refresh(&other.refresh_token).await.ok();
}

/// row: X23
#[both_engines]
async fn an_answer_that_was_lost_can_be_asked_for_again(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let first = token(&app.refresh(&ada.refresh_token).await);
    app.time.advance(Duration::from_secs(10));
    assert_eq!(token(&app.refresh(&ada.refresh_token).await), first);
}

/// row: X23
#[both_engines]
async fn a_session_ends_after_14_days_however_often_it_is_used(app: TestApp) {
    let mut last = app.sign_up("Ada", "ada@example.test").await.refresh_token;
    for _ in 0..13 {
        app.time.advance(Duration::from_secs(24 * 3600));
        last = token(&app.refresh(&last).await);
    }
    app.time.advance(Duration::from_secs(24 * 3600));
    assert_eq!(app.refresh(&last).await.code(), "unauthenticated");
}

/// row: X23, S-02
#[both_engines]
async fn what_is_no_refresh_token_is_refused_alike(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let mut forged = ada.refresh_token.clone().into_bytes();
    forged[40] ^= 1;
    let forged = String::from_utf8(forged).unwrap();
    let expected = app.refresh("").await;
    assert_eq!(expected.code(), "unauthenticated");
    for bad in ["x", &forged, &ada.access_token[..86], &"A".repeat(86)] {
        assert_eq!(app.refresh(bad).await.bytes, expected.bytes, "{bad}");
    }
    let long = app.refresh(&"A".repeat(513)).await;
    assert_eq!(long.code(), "invalid_argument");
    app.refresh(&ada.refresh_token).await.ok();
}

/// row: X23, S-17
#[both_engines]
async fn the_cookie_has_every_flag(app: TestApp) {
    let message = json!({"email": "ada@example.test", "password": PASSWORD, "useCookie": true});
    let answer = app.call("AuthService/SignUp", "", message).await;
    let cookie = answer.header("set-cookie").unwrap();
    let (pair, flags) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-sid=") && pair.len() > "__Host-sid=".len() + 43);
    assert_eq!(
        flags,
        "Secure; HttpOnly; SameSite=Strict; Path=/; Max-Age=1209600"
    );
}

/// row: X23
#[both_engines]
async fn a_browser_refreshes_by_its_cookie_alone(app: TestApp) {
    let cookie = sign_up_by_cookie(&app).await;
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    app.time.advance(Duration::from_secs(60));
    let answer = app.call_with(REFRESH, "", &headers, json!({})).await;
    assert_eq!(answer.ok()["tokens"].get("refreshToken"), None);
    assert_ne!(pair(&answer), cookie);
    assert!(
        answer
            .header("set-cookie")
            .unwrap()
            .ends_with("Max-Age=1209540")
    );
}

/// row: X23, S-17
#[both_engines]
async fn another_site_cannot_use_the_cookie(app: TestApp) {
    let cookie = sign_up_by_cookie(&app).await;
    for site in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "https://evil.example"), ("host", "shop.example")],
        vec![("origin", "null"), ("host", "shop.example")],
        vec![],
    ] {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(site);
        let answer = app.call_with(REFRESH, "", &headers, json!({})).await;
        assert_eq!(answer.code(), "permission_denied", "{headers:?}");
        assert!(answer.has_reason("CROSS_SITE"));
        assert_eq!(answer.header("set-cookie"), None);
    }
    // It changed nothing: the page itself goes on with the same cookie, later too.
    app.time.advance(Duration::from_secs(60));
    let headers = [
        ("cookie", cookie.as_str()),
        ("origin", "https://shop.example"),
        ("host", "shop.example"),
    ];
    app.call_with(REFRESH, "", &headers, json!({})).await.ok();
}

/// A token in the body is not the cookie's business: curl has no origin.
///
/// row: X23
#[both_engines]
async fn a_token_in_the_body_needs_no_origin(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let headers = [("cookie", "__Host-sid=x"), ("sec-fetch-site", "cross-site")];
    let message = json!({"refreshToken": ada.refresh_token});
    let answer = app.call_with(REFRESH, "", &headers, message).await;
    assert!(!token(&answer).is_empty());
    assert_eq!(answer.header("set-cookie"), None);
}

/// row: X23
#[both_engines]
async fn a_cookie_that_is_over_is_taken_back(app: TestApp) {
    let cookie = sign_up_by_cookie(&app).await;
    app.time.advance(Duration::from_secs(15 * 24 * 3600));
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = app.call_with(REFRESH, "", &headers, json!({})).await;
    assert_eq!(answer.code(), "unauthenticated");
    let cookie = answer
        .header("set-cookie")
        .expect("the cookie is taken back");
    assert!(
        cookie.starts_with("__Host-sid=;") && cookie.ends_with("Max-Age=0"),
        "{cookie}"
    );
}

use axum::body::Body;
use edge::Contract;
use http::{Request, StatusCode};
use serde_json::json;
use testkit::{Engine, Fixture, both_engines};

use crate::app::{TestApp, config, is_ready};

/// Every unary rpc of this context, asked by a stranger: refused, but for those on this list.
///
/// row: S-01, G4
#[both_engines]
async fn a_stranger_gets_no_further_than_the_contract_says(engine: Engine) {
    let contract = Contract::new(proto::DESCRIPTORS).unwrap();
    let public = [
        "SignUp",
        "SignIn",
        "Refresh",
        "RequestPasswordReset",
        "ResetPassword",
        "GetJwks",
    ];
    let app = TestApp::on(engine).await;
    let mut asked = 0;
    for method in contract
        .methods()
        .filter(|method| method.service.starts_with("stoa.user.v1."))
    {
        if !method.is_unary() {
            continue;
        }
        asked += 1;
        let rpc = method.path.trim_start_matches("/stoa.user.v1.");
        let answer = app.call(rpc, "", json!({})).await;
        let message = answer.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let missing = message == "Missing authentication token";
        assert_eq!(
            missing,
            !public.contains(&&*method.name),
            "{rpc}: {message}"
        );
        let bad = app.call(rpc, "x.y.z", json!({})).await;
        assert_eq!(bad.code(), "unauthenticated", "{rpc}");
        assert_eq!(
            bad.json()["message"],
            "Invalid authentication token",
            "{rpc}"
        );
    }
    assert_eq!(asked, 18);
}

/// row: G5, S-04
#[both_engines]
async fn headers_that_claim_an_identity_change_nothing(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let claims = [
        ("x-user-id", ada.id.as_str()),
        ("x-roles", "admin"),
        ("x-auth-user", ada.id.as_str()),
        ("x-forwarded-user", ada.id.as_str()),
    ];
    let read = json!({"id": ada.id});
    let answer = app
        .call_with("UserService/GetUser", "", &claims, read.clone())
        .await;
    assert_eq!(answer.code(), "unauthenticated");
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let answer = app
        .call_with("UserService/GetUser", &grace.access_token, &claims, read)
        .await;
    assert_eq!(answer.code(), "not_found");
}

/// row: S-02
#[both_engines]
async fn a_refresh_token_is_no_access_token(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let answer = app
        .call(
            "UserService/GetUser",
            &ada.refresh_token,
            json!({"id": ada.id}),
        )
        .await;
    assert_eq!(answer.code(), "unauthenticated");
}

/// The service starts while its database is absent, says so, and stays alive.
///
/// row: O7, O8, O11, C8
#[tokio::test]
async fn an_absent_database_is_unavailable_and_not_told_about() {
    let absent = "postgres://nobody:secret@127.0.0.1:1/nothing";
    let absent = sql::Config::new(absent.to_owned());
    let db = sql::Database::connect(user::NAME, &absent).await.unwrap();
    let app = TestApp::over(db, &config()).await;
    assert!(!is_ready(&app).await);
    let alive = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(app.handle(alive).await.status(), StatusCode::OK);
    for (rpc, message) in [
        ("AuthService/GetJwks", json!({})),
        (
            "AuthService/SignIn",
            json!({"email": "a@example.test", "password": "a password"}),
        ),
        (
            "AuthService/Refresh",
            json!({"refreshToken": "A".repeat(86)}),
        ),
    ] {
        let answer = crate::app::call(&app, rpc, "", &[], message).await;
        assert_eq!(answer.code(), "unavailable", "{rpc}");
        assert_eq!(answer.json()["message"], "user storage failed", "{rpc}");
    }
}

/// Ready means that it can sign in: the database answers, and there is a key.
///
/// row: O8
#[both_engines]
async fn it_is_ready_with_a_database_and_a_key(app: TestApp) {
    assert!(is_ready(&app.app).await);
    let keys = app.call("AuthService/GetJwks", "", json!({})).await.ok();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}

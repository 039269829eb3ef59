use std::time::Duration;

use serde_json::{Value, json};
use testkit::both_engines;

use crate::app::{Person, TestApp};

const LIST: &str = "AuthService/ListSessions";
const END: &str = "AuthService/EndSession";
const NOBODYS: &str = "01890000-0000-7000-8000-000000000001";

async fn list(app: &TestApp, person: &Person) -> Vec<Value> {
    let listed = app.call(LIST, &person.access_token, json!({})).await.ok();
    listed["sessions"].as_array().unwrap().clone()
}

/// row: X23
#[both_engines]
async fn a_person_sees_their_own_sessions_and_which_is_this_one(app: TestApp) {
    let phone = app.sign_up("Ada", "ada@example.test").await;
    app.sign_up("Grace", "grace@example.test").await;
    app.time.advance(Duration::from_secs(60));
    let message = json!({"email": "ada@example.test", "password": crate::app::PASSWORD});
    let firefox = [(
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    )];
    let laptop = app
        .call_with("AuthService/SignIn", "", &firefox, message)
        .await
        .ok();
    let laptop = crate::app::person(&laptop);
    app.time.advance(Duration::from_secs(60));
    let refreshed = app.refresh(&phone.refresh_token).await.ok();
    let sessions = list(&app, &laptop).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    // The phone was used last, and the laptop asks.
    let of = |key: &str| {
        sessions
            .iter()
            .map(|one| one[key].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("device"), [json!(null), json!("Firefox on Linux")]);
    assert_eq!(of("current"), [json!(null), json!(true)]);
    assert_eq!(
        of("createdAt"),
        [json!("2027-01-15T08:00:00Z"), json!("2027-01-15T08:01:00Z")]
    );
    assert_eq!(
        of("lastUsedAt"),
        [json!("2027-01-15T08:02:00Z"), json!("2027-01-15T08:01:00Z")]
    );
    assert_eq!(of("expiresAt")[0], "2027-01-29T08:00:00Z");

    // A token of the same session says so after it was refreshed, too.
    let mut phone = phone;
    refreshed["tokens"]["accessToken"]
        .as_str()
        .unwrap()
        .clone_into(&mut phone.access_token);
    let sessions = list(&app, &phone).await;
    assert_eq!(sessions[0]["current"], true);

    app.time.advance(Duration::from_secs(14 * 24 * 3600 - 120));
    let phone = app.sign_in("ada@example.test").await;
    let left = list(&app, &phone).await;
    assert_eq!(left.len(), 2, "one was over: {left:?}");
}

/// row: X23, S-05
#[both_engines]
async fn a_person_ends_one_of_their_own_sessions_and_nobody_else_s(app: TestApp) {
    let here = app.sign_up("Ada", "ada@example.test").await;
    let there = app.sign_in("ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let sessions = list(&app, &here).await;
    let other = sessions
        .iter()
        .find(|one| one["current"].is_null())
        .unwrap();
    let hers = list(&app, &grace).await[0]["id"].clone();

    let end = async |person: &Person, id: &Value| {
        let message = json!({"id": id});
        app.call(END, &person.access_token, message).await
    };
    let nobodys = end(&here, &json!(NOBODYS)).await;
    assert_eq!(nobodys.code(), "not_found");
    let foreign = end(&here, &hers).await;
    assert_eq!(
        (foreign.status, foreign.bytes),
        (nobodys.status, nobodys.bytes)
    );
    assert_eq!(end(&here, &json!("x")).await.code(), "invalid_argument");

    end(&here, &other["id"]).await.ok();
    assert_eq!(
        end(&here, &other["id"]).await.code(),
        "not_found",
        "it is over"
    );
    let over = app.refresh(&there.refresh_token).await;
    assert_eq!(over.code(), "unauthenticated");
    app.refresh(&here.refresh_token).await.ok();
    app.refresh(&grace.refresh_token).await.ok();
    assert_eq!(list(&app, &here).await.len(), 1);
}

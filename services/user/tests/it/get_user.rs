use serde_json::json;
use testkit::both_engines;

use crate::app::{Answer, TestApp};

const GET: &str = "UserService/GetUser";

fn without_id(answer: &Answer) -> (http::StatusCode, Vec<u8>) {
    (answer.status, answer.bytes.clone())
}

/// row: D1, S-05
#[both_engines]
async fn another_persons_account_answers_as_a_random_id_does(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let read = app
        .call(GET, &ada.access_token, json!({"id": ada.id}))
        .await
        .ok();
    assert_eq!(read["email"], "ada@example.test");
    assert_eq!(read["roles"], json!(["customer"]));

    let others = app
        .call(GET, &ada.access_token, json!({"id": grace.id}))
        .await;
    let random = json!({"id": uuid::Uuid::from_u128(99)});
    let random = app.call(GET, &ada.access_token, random).await;
    assert_eq!(others.code(), "not_found");
    assert_eq!(without_id(&others), without_id(&random));
}

/// row: D1
#[both_engines]
async fn staff_and_the_order_service_read_everyones(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await.access_token;
    let support = app
        .staff("support@example.test", &[call::Role::Support])
        .await
        .access_token;
    let operator = app
        .staff("op@example.test", &[call::Role::Operator])
        .await
        .access_token;
    for token in [&admin, &support, &app.order_token()] {
        app.call(GET, token, json!({"id": ada.id})).await.ok();
    }
    assert_eq!(
        app.call(GET, &operator, json!({"id": ada.id})).await.code(),
        "not_found"
    );
}

/// row: P1
#[both_engines]
async fn a_malformed_id_is_the_callers_fault(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    for id in ["", "1", "not-a-uuid", "' or 1=1"] {
        let answer = app.call(GET, &ada.access_token, json!({"id": id})).await;
        assert_eq!(answer.code(), "invalid_argument", "{id:?}");
    }
}

/// What a token says of its holder is no longer true once the account is gone.
///
/// row: S-05
#[both_engines]
async fn a_deleted_person_finds_nothing(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    app.call(
        "UserService/DeleteUser",
        &ada.access_token,
        json!({"id": ada.id}),
    )
    .await
    .ok();
    let own = json!({"id": ada.id});
    let answer = app.call(GET, &ada.access_token, own.clone()).await;
    assert_eq!(answer.code(), "unauthenticated");
    let admin = app.admin().await.access_token;
    assert_eq!(app.call(GET, &admin, own).await.code(), "not_found");
}

/// No answer of this service ever holds a password or a hash.
///
/// row: X10
#[both_engines]
async fn no_answer_holds_a_hash(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let read = app
        .call(GET, &ada.access_token, json!({"id": ada.id}))
        .await;
    let text = String::from_utf8(read.bytes).unwrap();
    assert!(
        !text.contains("argon2") && !text.to_lowercase().contains("password"),
        "{text}"
    );
}

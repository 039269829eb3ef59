use serde_json::json;
use testkit::both_engines;

use crate::app::{TestApp, start};

const GET: &str = "UserService/GetProfile";

/// row: D15
#[both_engines]
async fn a_profile_has_names_and_says_who_may_order(app: TestApp) {
    let ada = app.sign_up("Ada King Lovelace", "ada@example.test").await;
    let expected = json!({"profile": {
        "customerId": ada.id, "name": "Ada King Lovelace", "firstName": "Ada", "canPlaceOrders": true,
    }});
    let support = app
        .staff("support@example.test", &[call::Role::Support])
        .await;
    for token in [&ada.access_token, &support.access_token, &app.order_token()] {
        let answer = app.call(GET, token, json!({"customerId": ada.id})).await;
        assert_eq!(answer.ok(), expected);
    }
}

/// row: D15, S-05
#[both_engines]
async fn another_persons_profile_is_not_found(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let admin = app.admin().await;
    let others = app
        .call(GET, &ada.access_token, json!({"customerId": grace.id}))
        .await;
    let random = json!({"customerId": uuid::Uuid::from_u128(99)});
    let random = app.call(GET, &ada.access_token, random.clone()).await;
    assert_eq!(others.code(), "not_found");
    assert_eq!(others.bytes, random.bytes);
    // The contract lets support reach everyone's profile, and nobody else.
    let answer = app
        .call(GET, &admin.access_token, json!({"customerId": grace.id}))
        .await;
    assert_eq!(answer.code(), "not_found");
    let gone = json!({"customerId": uuid::Uuid::from_u128(99)});
    assert_eq!(
        app.call(GET, &app.order_token(), gone).await.code(),
        "not_found"
    );
}

/// A service's token is good for a minute and the leeway of clocks.
///
/// row: G4, G5
#[both_engines]
async fn an_old_service_token_is_refused(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let token = app.order_token();
    app.time.set(start() + chrono::TimeDelta::seconds(76));
    let answer = app.call(GET, &token, json!({"customerId": ada.id})).await;
    assert_eq!(answer.code(), "unauthenticated");
}

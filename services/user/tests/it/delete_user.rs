use serde_json::json;
use testkit::both_engines;

use crate::app::{PASSWORD, TestApp};

const DELETE: &str = "UserService/DeleteUser";

/// row: P21, D1
#[both_engines]
async fn deleting_an_account_ends_its_sessions_and_frees_its_address(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let answer = app
        .call(DELETE, &ada.access_token, json!({"id": ada.id}))
        .await;
    assert_eq!(answer.ok(), json!({}));
    assert_eq!(
        app.refresh(&ada.refresh_token).await.code(),
        "unauthenticated"
    );
    assert_eq!(
        app.try_sign_in("ada@example.test", PASSWORD).await.code(),
        "unauthenticated"
    );
    let again = app.sign_up("Ada", "ada@example.test").await;
    assert_ne!(again.id, ada.id);
}

/// row: S-05
#[both_engines]
async fn another_persons_account_cannot_be_deleted(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let others = app
        .call(DELETE, &ada.access_token, json!({"id": grace.id}))
        .await;
    let random = json!({"id": uuid::Uuid::from_u128(99)});
    let random = app.call(DELETE, &ada.access_token, random).await;
    assert_eq!(others.code(), "not_found");
    assert_eq!(others.bytes, random.bytes);
    app.sign_in("grace@example.test").await;
}

/// row: D1
#[both_engines]
async fn the_last_admin_remains(app: TestApp) {
    let admin = app.admin().await;
    let answer = app
        .call(DELETE, &admin.access_token, json!({"id": admin.id}))
        .await;
    assert_eq!(answer.code(), "failed_precondition");
    // A blocked admin is no admin who could keep the accounts.
    let second = app.staff("admin2@example.test", &[call::Role::Admin]).await;
    let block = json!({"id": second.id});
    app.call("UserAdminService/BlockUser", &admin.access_token, block)
        .await
        .ok();
    let answer = app
        .call(DELETE, &admin.access_token, json!({"id": admin.id}))
        .await;
    assert_eq!(answer.code(), "failed_precondition");
    let unblock = json!({"id": second.id});
    app.call("UserAdminService/UnblockUser", &admin.access_token, unblock)
        .await
        .ok();
    app.call(DELETE, &admin.access_token, json!({"id": admin.id}))
        .await
        .ok();
}

/// row: S-16
#[both_engines]
async fn a_repeat_under_the_same_key_is_no_error(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    for replayed in [None, Some("true")] {
        let key = [("idempotency-key", "k")];
        let delete = json!({"id": ada.id});
        let answer = app.call_with(DELETE, &ada.access_token, &key, delete).await;
        answer.ok();
        assert_eq!(answer.header("idempotency-replayed"), replayed);
    }
}

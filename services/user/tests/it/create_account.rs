use call::Role;
use serde_json::json;
use testkit::both_engines;
use user::{AccountSpec, Error, create_account};

use crate::app::{PASSWORD, TestApp, config};

/// row: X23
#[both_engines]
async fn the_first_admin_comes_by_the_command_line(app: TestApp) {
    let admin = app.admin().await;
    let read = app
        .call(
            "UserService/GetUser",
            &admin.access_token,
            json!({"id": admin.id}),
        )
        .await;
    assert_eq!(read.ok()["roles"], json!(["admin"]));
    assert_eq!(app.told().await, [("user.created".to_owned(), admin.id, 1)]);
}

/// row: X23
#[both_engines]
async fn it_obeys_the_rules_of_sign_up(app: TestApp) {
    app.sign_up("Ada", "ada@example.test").await;
    let create = async |email, password| {
        let account = AccountSpec {
            name: "",
            email,
            roles: &[Role::Admin],
            password,
        };
        create_account(&app.db, &app.clock, &config().password, &account).await
    };
    let refused = create("nobody", PASSWORD).await.unwrap_err();
    assert!(refused.to_string().starts_with("email:"), "{refused}");
    let refused = create("a@example.test", "short").await.unwrap_err();
    assert!(refused.to_string().starts_with("password:"), "{refused}");
    let refused = create("a@example.test", "letmein123").await.unwrap_err();
    assert!(refused.to_string().starts_with("password:"), "{refused}");
    let taken = create("ADA@example.test", PASSWORD).await;
    assert!(matches!(taken, Err(Error::EmailTaken)), "{taken:?}");
    assert_eq!(app.told().await.len(), 1);
}

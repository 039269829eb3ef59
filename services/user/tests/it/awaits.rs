//! Commands that die at each of their awaits.

use std::cell::RefCell;

use call::Role;
use serde_json::{Value, json};
use testkit::awaits::dies_at_each;
use testkit::both_engines;

use crate::app::TestApp;

fn email(number: u128) -> String {
    format!("{number}@example.test")
}

/// An account of each number, and after each command how many facts there are of it.
async fn of_accounts(app: &TestApp, rpc: &str, message: impl Fn(&str) -> Value) {
    let admin = app.staff("admin@example.test", &[Role::Admin]).await;
    let account = RefCell::new(String::new());
    let before = async |number| {
        let made = json!({"name": "Ada", "email": email(number)});
        let made = app
            .call("UserService/CreateUser", &admin.access_token, made)
            .await;
        let id = made.ok()["id"].as_str().expect("an id").to_owned();
        account.replace(id);
    };
    let ask = async |number| {
        let key = format!("k{number}");
        let (headers, message) = (
            [("idempotency-key", key.as_str())],
            message(&account.borrow()),
        );
        app.call_with(rpc, &admin.access_token, &headers, message)
            .await
            .ok()
    };
    let after = async |_, _| {
        let told = app.told().await.into_iter();
        let of_it = told.filter(|(_, key, _)| *key == *account.borrow());
        let versions: Vec<_> = of_it.map(|(.., version)| version).collect();
        assert_eq!(versions, [1, 2]);
    };
    dies_at_each(before, ask, after).await;
}

/// row: R-01, D1, I6, I8
#[both_engines]
async fn an_account_is_made_once(app: TestApp) {
    let admin = app.staff("admin@example.test", &[Role::Admin]).await;
    let told = app.told().await.len();
    let make = async |number| {
        let key = format!("k{number}");
        let headers = [("idempotency-key", key.as_str())];
        let message = json!({"name": "Ada", "email": email(number)});
        let token = &admin.access_token;
        app.call_with("UserService/CreateUser", token, &headers, message)
            .await
            .ok()
    };
    let after = async |number, _| {
        assert_eq!((app.told().await.len() - told) as u128, number);
    };
    dies_at_each(async |_| {}, make, after).await;
}

/// row: R-01, D1, I6, I8
#[both_engines]
async fn an_account_is_changed_once(app: TestApp) {
    let rename = |id: &str| json!({"id": id, "name": "Grace"});
    of_accounts(&app, "UserService/UpdateUser", rename).await;
}

/// row: R-01, D4, I6, I8
#[both_engines]
async fn an_account_is_blocked_once(app: TestApp) {
    let block = |id: &str| json!({"id": id, "reason": "chargebacks"});
    of_accounts(&app, "UserAdminService/BlockUser", block).await;
}

/// row: R-01, D1, I6, I8
#[both_engines]
async fn an_account_is_deleted_once(app: TestApp) {
    let delete = |id: &str| json!({"id": id});
    of_accounts(&app, "UserService/DeleteUser", delete).await;
}

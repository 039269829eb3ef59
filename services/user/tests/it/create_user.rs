use serde_json::{Value, json};
use testkit::both_engines;

use crate::app::{PASSWORD, TestApp};

const CREATE: &str = "UserService/CreateUser";

/// row: D1
#[both_engines]
async fn an_admin_creates_reads_changes_and_deletes_an_account(app: TestApp) {
    let admin = app.admin().await.access_token;
    let ada = json!({"name": "Ada Lovelace", "email": "ada@example.test", "roles": ["support"]});
    let made = app.call(CREATE, &admin, ada).await.ok();
    let id = made["id"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
    assert_eq!(made["roles"], json!(["support"]));
    assert_eq!(made["createdAt"], made["updatedAt"]);

    let read = app
        .call("UserService/GetUser", &admin, json!({"id": id}))
        .await
        .ok();
    assert_eq!(read, made);

    app.time.advance(std::time::Duration::from_secs(1));
    let rename = json!({"id": id, "name": "Ada"});
    let changed = app
        .call("UserService/UpdateUser", &admin, rename)
        .await
        .ok();
    assert_eq!(
        (&changed["name"], &changed["email"]),
        (&json!("Ada"), &made["email"])
    );
    assert!(changed["createdAt"].as_str().unwrap() < changed["updatedAt"].as_str().unwrap());

    let gone = app
        .call("UserService/DeleteUser", &admin, json!({"id": id}))
        .await
        .ok();
    assert_eq!(gone, json!({}));
    let read = app
        .call("UserService/GetUser", &admin, json!({"id": id}))
        .await;
    assert_eq!(read.code(), "not_found");
    let again = app
        .call("UserService/DeleteUser", &admin, json!({"id": id}))
        .await;
    assert_eq!(again.code(), "not_found");

    let told = app.told().await.into_iter().filter(|(_, key, _)| key == id);
    let told: Vec<_> = told.map(|(topic, _, version)| (topic, version)).collect();
    let expected = [
        ("user.created", 1),
        ("user.updated", 2),
        ("user.deleted", 3),
    ];
    assert_eq!(
        told,
        expected.map(|(topic, version)| (topic.to_owned(), version))
    );
}

/// row: D1
#[both_engines]
async fn an_address_has_one_account(app: TestApp) {
    let admin = app.admin().await.access_token;
    app.sign_up("Ada", "ada@example.test").await;
    let told = app.told().await.len();
    for taken in ["ada@example.test", "ADA@Example.test"] {
        let answer = app.call(CREATE, &admin, json!({"email": taken})).await;
        assert_eq!(answer.code(), "already_exists");
        assert!(answer.has_reason("EMAIL_TAKEN"));
    }
    assert_eq!(app.told().await.len(), told, "a refusal is no fact");
}

/// row: D1, S-06
#[both_engines]
async fn only_an_admin_creates_accounts(app: TestApp) {
    let customer = app.sign_up("Ada", "ada@example.test").await.access_token;
    let support = app
        .staff("support@example.test", &[call::Role::Support])
        .await
        .access_token;
    let root = json!({"email": "root@example.test", "roles": ["admin"]});
    for token in [&customer, &support, &app.order_token()] {
        assert_eq!(
            app.call(CREATE, token, root.clone()).await.code(),
            "permission_denied"
        );
    }
    assert_eq!(app.call(CREATE, "", root).await.code(), "unauthenticated");
    let refused = app.try_sign_in("root@example.test", PASSWORD).await;
    assert_eq!(refused.code(), "unauthenticated");
}

/// row: P18
#[both_engines]
async fn a_field_at_fault_is_named(app: TestApp) {
    let admin = app.admin().await.access_token;
    for (message, field) in [
        (json!({"email": "no address"}), "email"),
        (json!({}), "email"),
        (
            json!({"email": "a@example.test", "roles": ["root"]}),
            "roles[0]",
        ),
        (
            json!({"email": "a@example.test", "roles": ["admin", "admin"]}),
            "roles",
        ),
        (
            json!({"email": "a@example.test", "name": "x".repeat(201)}),
            "name",
        ),
    ] {
        let answer = app.call(CREATE, &admin, message).await;
        assert_eq!(answer.code(), "invalid_argument");
        let text = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(text.starts_with(&format!("{field}:")), "{text}");
    }
}

/// Fields that only the service sets are ignored when a caller sends them.
///
/// row: S-06
#[both_engines]
async fn protected_fields_are_ignored(app: TestApp) {
    let admin = app.admin().await.access_token;
    let id = "01890000-0000-7000-8000-000000000001";
    let message = json!({
        "email": "ada@example.test", "id": id, "createdAt": "2001-01-01T00:00:00Z",
        "version": 9, "blocked": true, "passwordHash": "x",
    });
    let made = app.call(CREATE, &admin, message).await.ok();
    assert_ne!(made["id"], id);
    assert_eq!(made["createdAt"], "2027-01-15T08:00:00Z");
}

/// row: S-16, I8
#[both_engines]
async fn a_repeat_under_the_same_key_has_one_effect_and_one_answer(app: TestApp) {
    let admin = app.admin().await.access_token;
    let create = async |key: &str, token: &str, message: &Value| {
        app.call_with(CREATE, token, &[("idempotency-key", key)], message.clone())
            .await
    };
    let ada = json!({"name": "Ada", "email": "ada@example.test"});
    let first = create("key", &admin, &ada).await;
    let told = app.told().await.len();
    app.time.advance(std::time::Duration::from_secs(5));
    let second = create("key", &admin, &ada).await;
    assert_eq!(first.ok(), second.ok());
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(app.told().await.len(), told);

    let other = json!({"name": "Ada", "email": "other@example.test"});
    assert_eq!(
        create("key", &admin, &other).await.code(),
        "invalid_argument"
    );
    let admin2 = app
        .staff("admin2@example.test", &[call::Role::Admin])
        .await
        .access_token;
    assert_eq!(create("key", &admin2, &ada).await.code(), "already_exists");

    // A refused attempt leaves no record: under its key the request may be corrected.
    create("corrected", &admin, &ada).await.code();
    create("corrected", &admin, &other).await.ok();
}

/// row: S-16, R-09
#[both_engines]
async fn many_repeats_at_once_have_one_effect(app: TestApp) {
    let admin = app.admin().await.access_token;
    let told = app.told().await.len();
    let ada = json!({"email": "ada@example.test"});
    let calls =
        (0..20).map(|_| app.call_with(CREATE, &admin, &[("idempotency-key", "key")], ada.clone()));
    let answers = futures::future::join_all(calls).await;
    let mut made = 0;
    let mut bytes = None;
    for answer in answers {
        if answer.status != http::StatusCode::OK {
            assert_eq!(answer.code(), "aborted"); // a caller repeats the call
            continue;
        }
        made += usize::from(answer.header("idempotency-replayed").is_none());
        assert_eq!(*bytes.get_or_insert(answer.bytes.clone()), answer.bytes);
    }
    assert_eq!(made, 1);
    assert_eq!(app.told().await.len(), told + 1);
}

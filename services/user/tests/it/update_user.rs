use std::collections::BTreeSet;

use serde_json::json;

use testkit::both_engines;

use crate::app::{Answer, PASSWORD, Person, TestApp};

const UPDATE: &str = "UserService/UpdateUser";

async fn move_to(app: &TestApp, person: &Person, email: &str, password: Option<&str>) -> Answer {
    let mut message = json!({"id": person.id, "email": email});
    if let Some(password) = password {
        message["currentPassword"] = json!(password);
    }
    app.call(UPDATE, &person.access_token, message).await
}

/// row: P21
#[both_engines]
async fn an_absent_field_stays_and_an_empty_name_clears(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let update = async |message| app.call(UPDATE, &ada.access_token, message).await;

    let countess = json!({
        "id": ada.id, "email": "countess@example.test", "currentPassword": PASSWORD,
    });
    let changed = update(countess).await.ok();
    assert_eq!(
        (&changed["name"], &changed["email"]),
        (&json!("Ada"), &json!("countess@example.test"))
    );
    let changed = update(json!({"id": ada.id, "name": ""})).await.ok();
    assert_eq!(
        (changed.get("name"), &changed["email"]),
        (None, &json!("countess@example.test"))
    );
    assert_eq!(changed["roles"], json!(["customer"]));
    assert_eq!(
        update(json!({"id": ada.id, "email": ""})).await.code(),
        "invalid_argument"
    );

    app.sign_in("countess@example.test").await;
    let old = app
        .try_sign_in("ada@example.test", crate::app::PASSWORD)
        .await;
    assert_eq!(old.code(), "unauthenticated");
}

/// row: D1, E10
#[both_engines]
async fn a_change_of_nothing_is_no_fact(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let told = app.told().await.len();
    app.time.advance(std::time::Duration::from_secs(1));
    let same = json!({"id": ada.id, "name": "Ada"});
    let answer = app.call(UPDATE, &ada.access_token, same).await.ok();
    assert_eq!(answer["createdAt"], answer["updatedAt"]);
    assert_eq!(app.told().await.len(), told);
}

/// row: D1, S-06
#[both_engines]
async fn nobody_gives_themselves_a_role(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let told = app.told().await.len();
    let promote = |id: &str| json!({"id": id, "name": "Root", "roles": ["admin"]});
    let own = app.call(UPDATE, &ada.access_token, promote(&ada.id)).await;
    let others = app
        .call(UPDATE, &ada.access_token, promote(&grace.id))
        .await;
    assert_eq!(own.code(), "permission_denied");
    assert_eq!(own.bytes, others.bytes);
    assert_eq!(app.told().await.len(), told);
    let read = app
        .call(
            "UserService/GetUser",
            &ada.access_token,
            json!({"id": ada.id}),
        )
        .await;
    assert_eq!(read.ok()["name"], "Ada");

    let admin = app.admin().await.access_token;
    let changed = app.call(UPDATE, &admin, promote(&ada.id)).await.ok();
    assert_eq!(changed["roles"], json!(["admin"]));
    let kept = app
        .call(UPDATE, &admin, json!({"id": ada.id, "roles": []}))
        .await
        .ok();
    assert_eq!(kept["roles"], json!(["admin"]));
}

/// row: D1, S-05
#[both_engines]
async fn another_persons_account_is_not_found(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let support = app
        .staff("support@example.test", &[call::Role::Support])
        .await;
    let rename = |id: &str| json!({"id": id, "name": "Mallory"});
    let random = rename(&uuid::Uuid::from_u128(99).to_string());
    let random = app.call(UPDATE, &ada.access_token, random).await;
    for token in [&ada.access_token, &support.access_token] {
        let answer = app.call(UPDATE, token, rename(&grace.id)).await;
        assert_eq!(answer.code(), "not_found");
        assert_eq!(answer.bytes, random.bytes);
    }
}

/// row: D1
#[both_engines]
async fn a_taken_address_is_refused(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    app.sign_up("Grace", "grace@example.test").await;
    let steal = move_to(&app, &ada, "GRACE@example.test", Some(PASSWORD)).await;
    assert_eq!(steal.code(), "already_exists");
    // One's own address in other letters is a change like any other.
    let own = move_to(&app, &ada, "Ada@Example.test", Some(PASSWORD)).await;
    own.ok();
}

/// Else whoever holds an access token has letters for forgotten passwords sent to themselves. Nor
/// do they learn which addresses are taken.
///
/// row: D1, X23, S-08
#[both_engines]
async fn only_who_knows_the_password_moves_their_account_to_another_address(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    app.sign_up("Grace", "grace@example.test").await;
    let told = app.told().await.len();
    for address in ["mallory@example.test", "grace@example.test"] {
        for password in [None, Some("wrong password")] {
            let refused = move_to(&app, &ada, address, password).await;
            assert_eq!(refused.code(), "invalid_argument");
            assert!(refused.has_reason("WRONG_PASSWORD"));
            assert!(refused.names("current_password"), "{:?}", refused.json());
        }
    }
    let empty = move_to(&app, &ada, "mallory@example.test", Some("")).await;
    assert_eq!(empty.code(), "invalid_argument");
    assert_eq!(app.told().await.len(), told);
    app.sign_in("ada@example.test").await;

    // What moves nobody needs none, and counts none.
    for _ in 0..10 {
        let named = json!({
            "id": ada.id, "name": "Ada", "email": "ada@example.test", "currentPassword": "wrong",
        });
        app.call(UPDATE, &ada.access_token, named).await.ok();
    }
    let moved = move_to(&app, &ada, "countess@example.test", Some(PASSWORD)).await;
    moved.ok();
    app.sign_in("countess@example.test").await;
}

/// Together with those at a change of the password, and what was right gives them back.
///
/// row: X23, S-08
#[both_engines]
async fn guesses_at_the_password_of_an_account_to_move_are_few(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let wrong = json!({"currentPassword": "wrong password", "password": "another password"});
    for _ in 0..3 {
        let wrong = wrong.clone();
        let refused = app.call("AuthService/ChangePassword", &ada.access_token, wrong);
        assert_eq!(refused.await.code(), "invalid_argument");
    }
    for _ in 0..2 {
        let refused = move_to(&app, &ada, "countess@example.test", Some("wrong")).await;
        assert_eq!(refused.code(), "invalid_argument");
    }
    let waits = move_to(&app, &ada, "countess@example.test", Some(PASSWORD)).await;
    assert_eq!(waits.code(), "resource_exhausted");
    assert!(waits.has_reason("TOO_MANY_ATTEMPTS"));
    app.sign_in("ada@example.test").await;
    app.pass(12);
    for address in ["countess@example.test", "ada@example.test"] {
        let moved = move_to(&app, &ada, address, Some(PASSWORD)).await;
        moved.ok();
    }
}

/// An admin keeps the accounts of others, but is the owner of their own.
///
/// row: D1
#[both_engines]
async fn an_admin_moves_others_without_a_password_and_not_themselves(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await;
    let others = json!({"id": ada.id, "email": "countess@example.test"});
    app.call(UPDATE, &admin.access_token, others).await.ok();
    app.sign_in("countess@example.test").await;
    let own = move_to(&app, &admin, "root@example.test", None).await;
    assert!(own.has_reason("WRONG_PASSWORD"), "{:?}", own.json());
    let own = move_to(&app, &admin, "root@example.test", Some(PASSWORD)).await;
    own.ok();
}

/// A lost answer: the second time the address is what it should be. Of the password the record
/// knows nothing, so that its hash can be guessed at by nobody.
///
/// row: D1
#[both_engines]
async fn a_repeated_move_is_answered_as_before(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let key = [("idempotency-key", "move-1")];
    let mut message = json!({
        "id": ada.id, "email": "countess@example.test", "currentPassword": PASSWORD,
    });
    let first = app.call_with(UPDATE, &ada.access_token, &key, message.clone());
    let first = first.await.ok();
    message["currentPassword"] = json!("wrong password");
    let again = app.call_with(UPDATE, &ada.access_token, &key, message);
    assert_eq!(again.await.ok(), first);
}

/// row: D1
#[both_engines]
async fn the_last_admin_remains(app: TestApp) {
    let admin = app.admin().await;
    let resign = json!({"id": admin.id, "roles": ["customer"]});
    let answer = app.call(UPDATE, &admin.access_token, resign.clone()).await;
    assert_eq!(answer.code(), "failed_precondition");
    assert!(answer.has_reason("LAST_ADMIN"));
    app.staff("admin2@example.test", &[call::Role::Admin]).await;
    app.call(UPDATE, &admin.access_token, resign).await.ok();
}

/// Their token tells the role for ten minutes more, by which they could give it back to themselves.
///
/// row: D1, S-02
#[both_engines]
async fn who_lost_a_role_has_no_session_any_more(app: TestApp) {
    let root = app.admin().await;
    let other = app.staff("admin2@example.test", &[call::Role::Admin]).await;
    let (customer, admin) = (json!(["customer"]), json!(["admin"]));
    let roles = |roles: &serde_json::Value| json!({"id": other.id, "roles": roles});
    let promoted = roles(&json!(["admin", "support"]));
    app.call(UPDATE, &root.access_token, promoted).await.ok();
    let read = json!({"id": other.id});
    let still = app.call("UserService/GetUser", &other.access_token, read.clone());
    still.await.ok(); // a role more ends nothing
    app.call(UPDATE, &root.access_token, roles(&customer))
        .await
        .ok();
    for message in [roles(&admin), json!({"id": root.id, "name": "Mallory"})] {
        let refused = app.call(UPDATE, &other.access_token, message).await;
        assert_eq!(refused.code(), "unauthenticated");
        assert!(refused.has_reason("SESSION_OVER"));
    }
    let again = app.sign_in("admin2@example.test").await;
    let refused = app.call(UPDATE, &again.access_token, roles(&admin)).await;
    assert_eq!(refused.code(), "permission_denied");
    let now = app
        .call("UserService/GetUser", &root.access_token, read)
        .await;
    assert_eq!(now.ok()["roles"], customer);
}

/// Two admins who take the role from each other at once: a write skew, unless the engine or the
/// lock orders them.
///
/// row: D1, R-10
#[both_engines]
async fn two_admins_at_once_do_not_both_resign(app: TestApp) {
    let first = app.admin().await;
    let second = app.staff("admin2@example.test", &[call::Role::Admin]).await;
    let resign = |id: &str| json!({"id": id, "roles": ["customer"]});
    let (one, two) = futures::join!(
        app.call(UPDATE, &first.access_token, resign(&first.id)),
        app.call(UPDATE, &second.access_token, resign(&second.id)),
    );
    let done = [&one, &two]
        .iter()
        .filter(|answer| answer.status.is_success())
        .count();
    assert_eq!(done, 1, "{:?} {:?}", one.json(), two.json());
}

/// row: I6, R-09
#[both_engines]
async fn changes_at_once_leave_no_gap_and_lose_nothing(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let changes = (0..12).map(|number| {
        let rename = json!({"id": ada.id, "name": format!("Ada {number}")});
        app.call(UPDATE, &ada.access_token, rename)
    });
    let answers = futures::future::join_all(changes).await;
    let done = answers
        .iter()
        .filter(|answer| answer.status.is_success())
        .count();
    let lost = answers.iter().filter(|answer| !answer.status.is_success());
    assert!(
        lost.map(|answer| answer.code())
            .all(|code| code == "aborted")
    );
    let told = app
        .told()
        .await
        .into_iter()
        .filter(|(_, key, _)| *key == ada.id);
    let versions: BTreeSet<i64> = told.map(|(.., version)| version).collect();
    assert_eq!(versions, (1..=1 + i64::try_from(done).unwrap()).collect());
}

use std::collections::BTreeSet;

use serde_json::json;

use testkit::both_engines;

use crate::app::TestApp;

const UPDATE: &str = "UserService/UpdateUser";

/// row: P21
#[both_engines]
async fn an_absent_field_stays_and_an_empty_name_clears(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let update = async |message| app.call(UPDATE, &ada.access_token, message).await;

    let changed = update(json!({"id": ada.id, "email": "countess@example.test"}))
        .await
        .ok();
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
    let steal = json!({"id": ada.id, "email": "GRACE@example.test"});
    let answer = app.call(UPDATE, &ada.access_token, steal).await;
    assert_eq!(answer.code(), "already_exists");
    // One's own address in other letters is a change like any other.
    let own = json!({"id": ada.id, "email": "Ada@Example.test"});
    app.call(UPDATE, &ada.access_token, own).await.ok();
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

//! What a token opens after its session has ended, or its person was blocked: here, nothing of the account.

use std::time::Duration;

use call::Role;
use edge::Contract;
use proto::user::v1::{ListUsersRequest, WatchUserRequest};
use serde_json::{Value, json};
use testkit::both_engines;

use crate::app::{Answer, PASSWORD, Person, TestApp, grpc};

const ADA: &str = "ada@example.test";
const NEW: &str = "another password";
const UPDATE: &str = "UserService/UpdateUser";
const DELETE: &str = "UserService/DeleteUser";
const LIST: &str = "AuthService/ListSessions";
const END: &str = "AuthService/EndSession";
const SIGN_OUT: &str = "AuthService/SignOut";
const CHANGE: &str = "AuthService/ChangePassword";
const SET: &str = "UserAdminService/SetPassword";
const BLOCK: &str = "UserAdminService/BlockUser";
const WATCH: &str = "UserService/WatchUserUpdates";
const LIST_USERS: &str = "UserService/ListUsers";

/// What one rpc of this context is asked with.
type Case = (&'static str, Value);

/// Every rpc that a person's token opens, of an admin at their own account and at another one: once each, and as if
/// the session lived.
fn cases(own: &str, session: &Value, other: &str) -> Vec<Case> {
    let id = |id: &str| json!({"id": id});
    vec![
        ("UserService/CreateUser", json!({"email": "x@example.test"})),
        ("UserService/GetUser", id(own)),
        ("UserService/GetUser", id(other)),
        (UPDATE, json!({"id": own, "name": "Mallory"})),
        (UPDATE, json!({"id": other, "name": "Mallory"})),
        (
            UPDATE,
            json!({"id": own, "email": "m@example.test", "currentPassword": PASSWORD}),
        ),
        (DELETE, id(own)),
        (DELETE, id(other)),
        (LIST_USERS, json!({})),
        (WATCH, id(own)),
        (WATCH, id(other)),
        (SIGN_OUT, json!({"allSessions": true})),
        (LIST, json!({})),
        (END, json!({"id": session})),
        (
            CHANGE,
            json!({"currentPassword": PASSWORD, "password": NEW}),
        ),
        (BLOCK, id(other)),
        ("UserAdminService/UnblockUser", id(other)),
        (SET, json!({"id": other, "password": NEW})),
    ]
}

/// What needs no session that lives, with why.
const LEFT_OPEN: [(&str, &str); 1] = [(
    "UserService/GetProfile",
    "a first name, which other services' answers for the same token are put together with",
)];

/// The code and the reason of a refusal; nothing for what was done.
async fn refused(app: &TestApp, token: &str, (rpc, message): &Case) -> Option<(String, String)> {
    let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
    let mut client = app.client();
    let status = match *rpc {
        LIST_USERS => {
            let request = grpc(token, ListUsersRequest::default());
            client.list_users(request).await.map(drop)
        }
        WATCH => {
            let user_id = text("id");
            let watch = WatchUserRequest {
                user_id,
                ..WatchUserRequest::default()
            };
            client
                .watch_user_updates(grpc(token, watch))
                .await
                .map(drop)
        }
        _ => {
            let answer = app.call(rpc, token, message.clone()).await;
            return (!answer.status.is_success()).then(|| {
                let reasons = ["SESSION_OVER", "USER_BLOCKED"];
                let reason = reasons.into_iter().find(|reason| answer.has_reason(reason));
                (answer.code(), reason.unwrap_or_default().to_owned())
            });
        }
    };
    let status = status.err()?;
    let reason = call::error::reason_of(&status).map(|(_, reason, _)| reason);
    Some((
        call::error::code_name(status.code()).to_owned(),
        reason.unwrap_or_default(),
    ))
}

fn over() -> Option<(String, String)> {
    Some(("unauthenticated".to_owned(), "SESSION_OVER".to_owned()))
}

fn blocked() -> Option<(String, String)> {
    Some(("failed_precondition".to_owned(), "USER_BLOCKED".to_owned()))
}

async fn sessions(app: &TestApp, person: &Person) -> Vec<Value> {
    let listed = app.call(LIST, &person.access_token, json!({})).await.ok();
    listed["sessions"].as_array().unwrap().clone()
}

async fn end(app: &TestApp, by: &Person, id: &Value) -> Answer {
    app.call(END, &by.access_token, json!({"id": id})).await
}

/// The session of `there`, as `here` sees it: there are two.
async fn other_session(app: &TestApp, here: &Person) -> Value {
    let sessions = sessions(app, here).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    let other = sessions.iter().find(|one| one["current"].is_null());
    other.unwrap()["id"].clone()
}

/// Every rpc that asks for a token is in the table, or stands among those left open.
///
/// row: X23
#[test]
fn every_rpc_of_a_person_is_asked_or_left_open_on_purpose() {
    let contract = Contract::new(proto::DESCRIPTORS).unwrap();
    let asked = cases("", &Value::Null, "").into_iter().map(|(rpc, _)| rpc);
    let open = LEFT_OPEN.into_iter().map(|(rpc, _)| rpc);
    let known: Vec<_> = asked.chain(open).collect();
    let mut found = 0;
    for method in contract.methods() {
        let Some(rpc) = method.path.strip_prefix("/stoa.user.v1.") else {
            continue;
        };
        if !method.asked().is_public {
            assert!(known.contains(&rpc), "{rpc} is neither asked nor left open");
            found += 1;
        }
    }
    assert_eq!(found, 14);
}

/// row: X23
#[both_engines]
async fn a_token_of_an_ended_session_does_nothing_to_any_account(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    app.admin().await;
    let thief = app.staff("root@example.test", &[Role::Admin]).await;
    let owner = app.sign_in("root@example.test").await;
    let stolen = other_session(&app, &owner).await;
    end(&app, &owner, &stolen).await.ok();
    let current = sessions(&app, &owner).await[0]["id"].clone();
    let told = app.told().await;
    for case in cases(&thief.id, &current, &ada.id) {
        let refused = refused(&app, &thief.access_token, &case).await;
        assert_eq!(refused, over(), "{} {}", case.0, case.1);
    }
    let own = json!({"customerId": thief.id});
    app.call("UserService/GetProfile", &thief.access_token, own)
        .await
        .ok();
    assert_eq!(app.told().await, told);
    assert_eq!(sessions(&app, &owner).await.len(), 1);
    app.refresh(&owner.refresh_token).await.ok();
    app.refresh(&ada.refresh_token).await.ok();
    app.sign_in(ADA).await;
    // What the ended session was refused is the owner's all the same, and tells what to do.
    let message = app.call(LIST, &thief.access_token, json!({})).await.json()["message"].clone();
    assert_eq!(message, "the session is over, sign in again");
    for case in cases(&owner.id, &Value::Null, &ada.id) {
        if ![DELETE, CHANGE, SIGN_OUT, END].contains(&case.0) {
            let refused = refused(&app, &owner.access_token, &case).await;
            assert_eq!(refused, None, "{} {}", case.0, case.1);
        }
    }
}

/// row: X23, D4
#[both_engines]
async fn a_token_of_a_blocked_person_does_nothing_to_any_account(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    let admin = app.admin().await;
    let eve = app.staff("eve@example.test", &[Role::Admin]).await;
    let session = sessions(&app, &eve).await[0]["id"].clone();
    let block = json!({"id": eve.id, "reason": "left us"});
    app.call(BLOCK, &admin.access_token, block).await.ok();
    let told = app.told().await;
    for case in cases(&eve.id, &session, &ada.id) {
        // Who was blocked has been signed out of everything, and may say so again.
        let expected = if case.0 == SIGN_OUT { None } else { blocked() };
        let refused = refused(&app, &eve.access_token, &case).await;
        assert_eq!(refused, expected, "{} {}", case.0, case.1);
    }
    assert_eq!(app.told().await, told);
    app.refresh(&ada.refresh_token).await.ok();
    // The block that is undone gives no session back.
    app.call(
        "UserAdminService/UnblockUser",
        &admin.access_token,
        json!({"id": eve.id}),
    )
    .await
    .ok();
    let case = (LIST, json!({}));
    assert_eq!(refused(&app, &eve.access_token, &case).await, over());
}

/// There is no account any more, and the token says the same of every rpc.
///
/// row: X23, D4
#[both_engines]
async fn a_token_of_a_deleted_account_does_nothing_to_any_account(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    app.admin().await;
    let eve = app.staff("eve@example.test", &[Role::Admin]).await;
    let session = sessions(&app, &eve).await[0]["id"].clone();
    app.call(DELETE, &eve.access_token, json!({"id": eve.id}))
        .await
        .ok();
    let told = app.told().await;
    for case in cases(&eve.id, &session, &ada.id) {
        // Who was signed out of everything may say so again.
        let expected = if case.0 == SIGN_OUT { None } else { over() };
        let refused = refused(&app, &eve.access_token, &case).await;
        assert_eq!(refused, expected, "{} {}", case.0, case.1);
    }
    assert_eq!(app.told().await, told);
}

/// Whatever ended it.
///
/// row: X23
#[both_engines]
async fn however_a_session_ends_its_token_lists_none(app: TestApp) {
    let admin = app.admin().await;
    let list = (LIST, json!({}));
    let set = json!({"password": NEW});
    let change = json!({"currentPassword": PASSWORD, "password": NEW});
    let everywhere = json!({"allSessions": true});
    for (number, way) in ["out", "everywhere", "changed", "set", "deleted", "reused"]
        .into_iter()
        .enumerate()
    {
        let email = format!("ada{number}@example.test");
        let there = app.sign_up("Ada", &email).await;
        let here = app.sign_in(&email).await;
        assert_eq!(refused(&app, &there.access_token, &list).await, None);
        let own = json!({"refreshToken": there.refresh_token});
        let ended = match way {
            "out" => app.call(SIGN_OUT, &there.access_token, own).await,
            "everywhere" => {
                let everywhere = everywhere.clone();
                app.call(SIGN_OUT, &here.access_token, everywhere).await
            }
            "changed" => app.call(CHANGE, &here.access_token, change.clone()).await,
            "set" => {
                let mut set = set.clone();
                set["id"] = json!(there.id);
                app.call(SET, &admin.access_token, set).await
            }
            "deleted" => {
                let own = json!({"id": here.id});
                app.call(DELETE, &here.access_token, own).await
            }
            _ => {
                let next = app.refresh(&there.refresh_token).await;
                app.time.advance(Duration::from_secs(21));
                let reused = app.refresh(&there.refresh_token).await;
                assert_eq!(reused.code(), "unauthenticated");
                next
            }
        };
        ended.ok();
        assert_eq!(
            refused(&app, &there.access_token, &list).await,
            over(),
            "{way}"
        );
        let lives = matches!(way, "out" | "changed" | "reused");
        let other = refused(&app, &here.access_token, &list).await;
        assert_eq!(other.is_none(), lives, "{way}: {other:?}");
    }
}

/// A token may be younger than what is left of its session.
///
/// row: X23
#[both_engines]
async fn a_session_whose_time_is_over_is_over(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    app.time.advance(Duration::from_secs(14 * 24 * 3600 - 60));
    let last = app.refresh(&ada.refresh_token).await.ok();
    let token = last["tokens"]["accessToken"].as_str().unwrap();
    let list = (LIST, json!({}));
    assert_eq!(refused(&app, token, &list).await, None);
    app.time.advance(Duration::from_secs(60));
    assert_eq!(refused(&app, token, &list).await, over());
}

/// Of a command that was done the answer was lost: it is given again, although the session has ended since, or
/// ended by it.
///
/// row: X23, S-16
#[both_engines]
async fn a_repeat_is_answered_as_before_though_the_session_is_over(app: TestApp) {
    app.admin().await;
    let root = app.staff("root@example.test", &[Role::Admin]).await;
    let keyed = async |key: &str, rpc: &str, message: &Value| {
        let headers = [("idempotency-key", key)];
        app.call_with(rpc, &root.access_token, &headers, message.clone())
            .await
    };
    let rename = json!({"id": root.id, "name": "Root"});
    let set = json!({"id": root.id, "password": NEW});
    let first = keyed("1", UPDATE, &rename).await.ok();
    for replayed in [None, Some("true")] {
        let answer = keyed("2", SET, &set).await;
        answer.ok();
        assert_eq!(answer.header("idempotency-replayed"), replayed);
    }
    assert_eq!(keyed("1", UPDATE, &rename).await.ok(), first);
    let other = keyed("3", UPDATE, &rename).await;
    assert_eq!(other.code(), "unauthenticated");
}

/// Signing out twice is signing out, but not of what began since.
///
/// row: X23
#[both_engines]
async fn who_has_signed_out_everywhere_may_say_so_again_and_ends_nothing_new(app: TestApp) {
    let ada = app.sign_up("Ada", ADA).await;
    let everywhere = || app.call(SIGN_OUT, &ada.access_token, json!({"allSessions": true}));
    for _ in 0..2 {
        everywhere().await.ok();
    }
    let anew = app.sign_in(ADA).await;
    let refused = everywhere().await;
    assert_eq!(refused.code(), "unauthenticated");
    assert!(refused.has_reason("SESSION_OVER"));
    app.refresh(&anew.refresh_token).await.ok();
}

/// The owner's guesses are the owner's.
///
/// row: X23, S-08
#[both_engines]
async fn a_token_of_an_ended_session_uses_up_no_guess(app: TestApp) {
    let thief = app.sign_up("Ada", ADA).await;
    let owner = app.sign_in(ADA).await;
    let stolen = other_session(&app, &owner).await;
    end(&app, &owner, &stolen).await.ok();
    let wrong = json!({"currentPassword": "wrong password", "password": NEW});
    let moved = json!({"id": owner.id, "email": "m@example.test", "currentPassword": "wrong"});
    for _ in 0..5 {
        for (rpc, message) in [(CHANGE, &wrong), (UPDATE, &moved)] {
            let answer = app.call(rpc, &thief.access_token, message.clone()).await;
            assert_eq!(answer.code(), "unauthenticated");
        }
    }
    let right = json!({"currentPassword": PASSWORD, "password": NEW});
    app.call(CHANGE, &owner.access_token, right).await.ok();
}

/// A stream outlives its token, and not what its token rests on: the next change is told to nobody.
///
/// row: X23, D3
#[both_engines]
async fn a_watch_ends_with_its_session(app: TestApp) {
    let thief = app.sign_up("Ada", ADA).await;
    let owner = app.sign_in(ADA).await;
    let watch = WatchUserRequest {
        user_id: thief.id.clone(),
        ..WatchUserRequest::default()
    };
    let watch = grpc(&thief.access_token, watch);
    let mut updates = app
        .client()
        .watch_user_updates(watch)
        .await
        .unwrap()
        .into_inner();
    let stolen = other_session(&app, &owner).await;
    end(&app, &owner, &stolen).await.ok();
    let rename = json!({"id": owner.id, "name": "Ada King"});
    app.call(UPDATE, &owner.access_token, rename).await.ok();
    let told = tokio::time::timeout(Duration::from_secs(30), updates.message()).await;
    let ended = told.expect("the watch ends soon").unwrap_err();
    assert_eq!(ended.code(), tonic::Code::Unauthenticated);
}

/// Whose token grew from no session of ours is bound by the block alone.
///
/// row: X23, G4
#[both_engines]
async fn a_token_without_a_session_is_as_good_as_before(app: TestApp) {
    let mut ada = app.sign_up("Ada", ADA).await;
    let admin = app.admin().await;
    let user = call::User {
        id: ada.id.parse().unwrap(),
        roles: [Role::Customer].into_iter().collect(),
        session: None,
    };
    ada.access_token = app.keyring.sign(user).await.unwrap();
    let listed = sessions(&app, &ada).await;
    assert_eq!(listed.len(), 1);
    end(&app, &ada, &listed[0]["id"]).await.ok();
    let rename = (UPDATE, json!({"id": ada.id, "name": "Ada King"}));
    assert_eq!(refused(&app, &ada.access_token, &rename).await, None);
    let block = json!({"id": ada.id});
    app.call(BLOCK, &admin.access_token, block.clone())
        .await
        .ok();
    assert_eq!(refused(&app, &ada.access_token, &rename).await, blocked());
    app.call("UserAdminService/UnblockUser", &admin.access_token, block)
        .await
        .ok();
    let delete = (DELETE, json!({"id": ada.id}));
    assert_eq!(refused(&app, &ada.access_token, &delete).await, None);
}

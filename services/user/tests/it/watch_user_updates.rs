use std::time::Duration;

use proto::user::v1::user_update::UpdateType;
use proto::user::v1::{UserUpdate, WatchUserRequest};
use serde_json::json;
use testkit::{Engine, both_engines};
use tonic::Streaming;

use crate::app::{Person, TestApp, call, client, grpc};

/// What a change may take to arrive. Row D3 says 1 s, and on a server of one's own it is a matter
/// of milliseconds; but a fact is shown only when every older transaction of the server is over,
/// and the tests of a run share one, which makes databases all the while.
const SOON: Duration = Duration::from_secs(30);

fn request(user_id: &str, cursor: &str) -> WatchUserRequest {
    let (user_id, cursor) = (user_id.to_owned(), cursor.to_owned());
    WatchUserRequest {
        user_id,
        cursor,
        send_heartbeats: false,
    }
}

async fn watch(app: &TestApp, person: &Person, cursor: &str) -> Streaming<UserUpdate> {
    let request = grpc(&person.access_token, request(&person.id, cursor));
    app.client()
        .watch_user_updates(request)
        .await
        .unwrap()
        .into_inner()
}

async fn next(updates: &mut Streaming<UserUpdate>) -> UserUpdate {
    let next = tokio::time::timeout(SOON, updates.message()).await;
    next.expect("an update arrives soon")
        .unwrap()
        .expect("the watch goes on")
}

async fn rename(app: &TestApp, person: &Person, name: &str) {
    let message = json!({"id": person.id, "name": name});
    app.call("UserService/UpdateUser", &person.access_token, message)
        .await
        .ok();
}

/// row: D3
#[both_engines]
async fn changes_arrive_until_the_account_is_gone(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let mut updates = watch(&app, &ada, "").await;
    rename(&app, &grace, "Not hers").await;
    rename(&app, &ada, "Ada King").await;
    let update = next(&mut updates).await;
    assert_eq!(
        (update.r#type(), &update.user_id),
        (UpdateType::Updated, &ada.id)
    );
    assert_eq!(update.user.unwrap().name, "Ada King");
    assert!(!update.gap);

    app.call(
        "UserService/DeleteUser",
        &ada.access_token,
        json!({"id": ada.id}),
    )
    .await
    .ok();
    let update = next(&mut updates).await;
    assert_eq!((update.r#type(), update.user), (UpdateType::Deleted, None));
    assert_eq!(updates.message().await.unwrap(), None);
}

/// row: D3
#[both_engines]
async fn a_change_through_another_replica_arrives_too(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let mut updates = watch(&app, &ada, "").await;
    let replica = app.replica().await;
    let message = json!({"id": ada.id, "name": "Ada King"});
    call(
        &replica,
        "UserService/UpdateUser",
        &ada.access_token,
        &[],
        message,
    )
    .await
    .ok();
    assert_eq!(next(&mut updates).await.user.unwrap().name, "Ada King");
}

/// Cut at any update, resumed with its cursor, on another replica: none is lost, none comes twice.
///
/// row: D3, X6
#[both_engines]
async fn a_cursor_resumes_after_the_update_that_carried_it(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let mut updates = watch(&app, &ada, "").await;
    rename(&app, &ada, "one").await;
    let first = next(&mut updates).await;
    drop(updates);
    rename(&app, &ada, "two").await;
    rename(&app, &ada, "three").await;

    let replica = app.replica().await;
    let resume = grpc(&ada.access_token, request(&ada.id, &first.cursor));
    let mut updates = client(&replica)
        .watch_user_updates(resume)
        .await
        .unwrap()
        .into_inner();
    let (second, third) = (next(&mut updates).await, next(&mut updates).await);
    assert!(first.cursor != second.cursor && second.cursor != third.cursor);
    // An update shows the account as it is now.
    assert_eq!(third.user.unwrap().name, "three");
    rename(&app, &ada, "four").await;
    assert_eq!(next(&mut updates).await.user.unwrap().name, "four");
}

/// row: D3
#[both_engines]
async fn the_first_fact_says_created(app: TestApp) {
    let before = app.sign_up("Before", "before@example.test").await;
    let mut updates = watch(&app, &before, "").await;
    rename(&app, &before, "cursor").await;
    let cursor = next(&mut updates).await.cursor;
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let created = next(&mut watch(&app, &ada, &cursor).await).await;
    assert_eq!(created.r#type(), UpdateType::Created);
    assert_eq!(created.user.unwrap().name, "Ada");
}

/// row: D3, R-16
#[both_engines]
async fn of_100_watchers_one_leaves_and_99_go_on(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let mut watchers = Vec::new();
    for _ in 0..100 {
        watchers.push(watch(&app, &ada, "").await);
    }
    drop(watchers.swap_remove(50));
    rename(&app, &ada, "Ada King").await;
    for watcher in &mut watchers {
        assert_eq!(next(watcher).await.user.unwrap().name, "Ada King");
    }
}

/// row: D3, S-05
#[both_engines]
async fn another_persons_account_is_not_found(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let grace = app.sign_up("Grace", "grace@example.test").await;
    let watch = async |token: &str, id: &str| {
        let request = grpc(token, request(id, ""));
        app.client().watch_user_updates(request).await.map(drop)
    };
    let others = watch(&ada.access_token, &grace.id).await.unwrap_err();
    let random = uuid::Uuid::from_u128(99).to_string();
    let random = watch(&ada.access_token, &random).await.unwrap_err();
    assert_eq!(others.code(), tonic::Code::NotFound);
    assert_eq!(
        (others.message(), others.details()),
        (random.message(), random.details())
    );
    let admin = app.admin().await;
    watch(&admin.access_token, &ada.id).await.unwrap();
}

/// row: D3
#[both_engines]
async fn a_cursor_that_is_not_ours_or_too_old_is_refused(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let mut updates = watch(&app, &ada, "").await;
    rename(&app, &ada, "Ada King").await;
    let cursor = next(&mut updates).await.cursor;
    let try_watch = async |token: &str, cursor: &str| {
        let request = grpc(token, request(&ada.id, cursor));
        app.client()
            .watch_user_updates(request)
            .await
            .unwrap_err()
            .code()
    };
    let unknown = try_watch(&ada.access_token, "x").await;
    assert_eq!(unknown, tonic::Code::InvalidArgument);
    let first = if cursor.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{first}{}", &cursor[1..]);
    let changed = try_watch(&ada.access_token, &changed).await;
    assert_eq!(changed, tonic::Code::InvalidArgument);
    let made_up = "A".repeat(54); // as cursors were before they were signed
    let made_up = try_watch(&ada.access_token, &made_up).await;
    assert_eq!(made_up, tonic::Code::OutOfRange);
    app.time.advance(Duration::from_secs(7 * 24 * 3600 + 1));
    let ada = app.sign_in("ada@example.test").await;
    assert_eq!(
        try_watch(&ada.access_token, &cursor).await,
        tonic::Code::OutOfRange
    );
}

/// row: O12, X6
#[both_engines]
async fn a_stop_ends_the_watch_with_its_cursor(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let mut updates = watch(&app, &ada, "").await;
    rename(&app, &ada, "Ada King").await;
    let cursor = next(&mut updates).await.cursor;
    app.shutdown.cancel();
    let end = tokio::time::timeout(SOON, updates.message())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(end.code(), tonic::Code::Unavailable);
    assert!(
        end.details()
            .windows(cursor.len())
            .any(|window| window == cursor.as_bytes())
    );
}

/// A heartbeat comes after 15 s of silence and has only its cursor set.
///
/// row: D3
#[tokio::test]
async fn silence_is_broken_by_a_heartbeat() {
    let app: TestApp = testkit::on(Engine::Sqlite).await;
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let request = WatchUserRequest {
        send_heartbeats: true,
        ..request(&ada.id, "")
    };
    let request = grpc(&ada.access_token, request);
    let mut updates = app
        .client()
        .watch_user_updates(request)
        .await
        .unwrap()
        .into_inner();
    let next = tokio::time::timeout(Duration::from_secs(20), updates.message()).await;
    let heartbeat = next.unwrap().unwrap().unwrap();
    assert_eq!(
        (heartbeat.r#type(), heartbeat.user_id.as_str()),
        (UpdateType::Unspecified, "")
    );
    assert!(!heartbeat.cursor.is_empty());
}

//! What every service keeps within bounds, and what a watcher is told whose facts are gone.

use std::time::Duration;

use proto::user::v1::WatchUserRequest;
use serde_json::json;
use testkit::app::eventually;
use testkit::both_engines;
use tonic::Code;

use crate::app::{Person, TestApp, grpc};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn rows(app: &TestApp, table: &str) -> i64 {
    let sql = format!("select count(*) as rows from {table}");
    app.rows(&sql).await[0]
        .try_get("", "rows")
        .expect("a count")
}

/// Waits until the table has so many rows.
async fn until(app: &TestApp, table: &str, wanted: i64) {
    eventually(async || (rows(app, table).await == wanted).then_some(())).await;
}

async fn rename(app: &TestApp, person: &Person, key: &str) {
    let message = json!({"id": person.id, "name": key});
    let headers = [("idempotency-key", key)];
    app.call_with(
        "UserService/UpdateUser",
        &person.access_token,
        &headers,
        message,
    )
    .await
    .ok();
}

async fn watch(app: &TestApp, person: &Person, cursor: &str) -> Result<(), tonic::Status> {
    let request = WatchUserRequest {
        user_id: person.id.clone(),
        cursor: cursor.to_owned(),
        send_heartbeats: false,
    };
    let request = grpc(&person.access_token, request);
    app.client().watch_user_updates(request).await.map(drop)
}

/// row: X23
#[both_engines]
async fn what_is_over_is_gone_after_a_while_and_what_is_not_stays(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    rename(&app, &ada, "one").await;
    app.time.advance(9 * DAY);
    let grace = app.sign_up("Grace", "grace@example.test").await;
    rename(&app, &grace, "two").await;
    assert_eq!(rows(&app, "outbox").await, 4);
    assert_eq!(rows(&app, "idempotency_keys").await, 2);
    let task = (app.task("housekeeping").start)(app.shutdown.clone());
    let task = tokio::spawn(task);
    until(&app, "outbox", 2).await;
    until(&app, "idempotency_keys", 1).await;
    assert_eq!(rows(&app, "sessions").await, 2);
    app.shutdown.cancel();
    task.await.expect("it ends with the service");
}

/// The contract says `out_of_range`; a watch without a cursor goes on.
///
/// row: X6
#[both_engines]
async fn a_cursor_from_before_what_was_pruned_is_out_of_range(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let request = grpc(
        &ada.access_token,
        WatchUserRequest {
            user_id: ada.id.clone(),
            ..WatchUserRequest::default()
        },
    );
    let mut updates = app.client().watch_user_updates(request).await.unwrap();
    rename(&app, &ada, "one").await;
    let cursor = updates.get_mut().message().await.unwrap().unwrap().cursor;
    rename(&app, &ada, "two").await;
    watch(&app, &ada, &cursor).await.unwrap();

    // A clock that was wrong for a while prunes what is a moment old.
    let pruned = eventually(async || {
        let pruned = events::outbox::prune(&app.db, app.clock.now(), None).await;
        pruned.unwrap();
        (rows(&app, "outbox").await == 0).then_some(())
    });
    pruned.await;
    let refused = watch(&app, &ada, &cursor).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    watch(&app, &ada, "").await.unwrap();
}

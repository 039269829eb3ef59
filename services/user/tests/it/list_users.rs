use std::time::Duration;

use axum::body::Body;
use futures::TryStreamExt;
use http::Request;
use proto::user::v1::{ListUsersRequest, User};
use serde_json::json;
use testkit::both_engines;

use crate::app::{Answer, TestApp, grpc};

/// A page, and the token of the next one.
async fn page(
    app: &TestApp,
    token: &str,
    page_size: i32,
    page_token: &str,
) -> Result<(Vec<String>, String), tonic::Status> {
    let request = ListUsersRequest {
        page_size,
        page_token: page_token.to_owned(),
    };
    let answer = app.client().list_users(grpc(token, request)).await?;
    let next = answer.metadata().get("stoa-next-page-token");
    let next = next
        .map(|token| token.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let users: Vec<User> = answer.into_inner().try_collect().await?;
    Ok((users.into_iter().map(|user| user.email).collect(), next))
}

async fn sign_up(app: &TestApp, names: &[&str]) {
    for name in names {
        app.time.advance(Duration::from_secs(1));
        app.sign_up(name, &format!("{name}@example.test")).await;
    }
}

/// row: D2
#[both_engines]
async fn pages_are_stable_while_accounts_are_added(app: TestApp) {
    let admin = app.admin().await.access_token;
    sign_up(&app, &["a", "b", "c", "d"]).await;
    let (first, next) = page(&app, &admin, 2, "").await.unwrap();
    assert_eq!(first, ["d@example.test", "c@example.test"]);
    sign_up(&app, &["e"]).await;
    let (second, next) = page(&app, &admin, 2, &next).await.unwrap();
    assert_eq!(second, ["b@example.test", "a@example.test"]);
    let (third, next) = page(&app, &admin, 2, &next).await.unwrap();
    assert_eq!(
        (third, next),
        (vec!["admin@example.test".to_owned()], String::new())
    );
}

/// Accounts of the same instant are told apart by their ids.
///
/// row: D2
#[both_engines]
async fn ties_are_neither_lost_nor_repeated(app: TestApp) {
    let admin = app.admin().await.access_token;
    for number in 0..9 {
        app.sign_up("", &format!("user{number}@example.test")).await;
    }
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let (users, next) = page(&app, &admin, 2, &token).await.unwrap();
        all.extend(users);
        if next.is_empty() {
            break;
        }
        token = next;
    }
    assert_eq!(all.len(), 10);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 10);
}

/// row: D2
#[both_engines]
async fn a_page_has_20_unless_asked_and_never_more_than_100(app: TestApp) {
    let admin = app.admin().await.access_token;
    for number in 0..101 {
        app.sign_up("", &format!("user{number}@example.test")).await;
    }
    for (asked, given) in [(0, 20), (1, 1), (100, 100), (101, 100), (i32::MAX, 100)] {
        let (users, next) = page(&app, &admin, asked, "").await.unwrap();
        assert_eq!((users.len(), next.is_empty()), (given, false), "{asked}");
    }
    let negative = page(&app, &admin, -1, "").await.unwrap_err();
    assert_eq!(negative.code(), tonic::Code::InvalidArgument);
}

/// row: D2
#[both_engines]
async fn a_token_that_is_not_ours_is_refused(app: TestApp) {
    let admin = app.admin().await.access_token;
    sign_up(&app, &["a", "b"]).await;
    let (_, next) = page(&app, &admin, 1, "").await.unwrap();
    let other = sql::page::Signer::new([8; 32]).sign(&json!({}), &"users");
    for bad in ["x", &next[1..], &format!("{next}A"), &other] {
        let refused = page(&app, &admin, 1, bad).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{bad}");
    }
}

/// row: D2, S-01
#[both_engines]
async fn only_support_and_admins_see_everyone(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await.access_token;
    let support = app
        .staff("support@example.test", &[call::Role::Support])
        .await
        .access_token;
    let refused = page(&app, &ada, 1, "").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    page(&app, &support, 1, "").await.unwrap();
}

/// row: P4, D2
#[both_engines]
async fn over_connect_the_next_token_stands_in_a_header(app: TestApp) {
    let admin = app.admin().await.access_token;
    sign_up(&app, &["a", "b"]).await;
    let message = r#"{"pageSize":2}"#;
    let mut body = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    body.extend_from_slice(message.as_bytes());
    let request = Request::post("/stoa.user.v1.UserService/ListUsers")
        .header("content-type", "application/connect+json")
        .header("connect-protocol-version", "1")
        .header("authorization", format!("Bearer {admin}"))
        .body(Body::from(body))
        .unwrap();
    let answer = Answer::of(app.app.handle(request).await).await;
    assert_eq!(answer.status, http::StatusCode::OK);
    assert!(answer.header("stoa-next-page-token").is_some());
    let text = String::from_utf8_lossy(&answer.bytes);
    assert!(
        text.contains("b@example.test") && text.contains("a@example.test"),
        "{text}"
    );
    assert!(
        !text.contains("admin@example.test") && !text.contains("error"),
        "{text}"
    );
}

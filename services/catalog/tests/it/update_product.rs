use std::time::Duration;

use futures::future::join_all;
use proto::catalog::v1::{Product, UpdateProductRequest};
use proto::event::v1::product_changed::Change;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, keyed, operator, start};

fn rename(id: &str, name: &str) -> UpdateProductRequest {
    UpdateProductRequest {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        ..UpdateProductRequest::default()
    }
}

/// row: D16, E10, I6
#[both_engines]
async fn what_is_absent_stays_and_a_change_is_told_once(app: TestApp) {
    let made = app.product("LAMP", "Noon lamp", "Lighting").await;
    app.time.advance(Duration::from_secs(60));
    let request = UpdateProductRequest {
        name: Some("Dusk lamp".to_owned()),
        image_url: Some(String::new()),
        ..rename(&made.id, "")
    };
    let expected = Product {
        name: "Dusk lamp".to_owned(),
        image_url: String::new(),
        updated_at: Some((start() + chrono::TimeDelta::seconds(60)).into()),
        ..made.clone()
    };
    for _ in 0..2 {
        let answer = app.client().update_product(operator(request.clone())).await;
        assert_eq!(
            answer.unwrap().into_inner().product.as_ref(),
            Some(&expected)
        );
    }
    let told = app.told(&made.id).await;
    assert_eq!(told.len(), 2, "the second update changed nothing");
    assert_eq!((told[1].0, told[1].1.change()), (2, Change::Updated));
    assert_eq!(told[1].1.product.as_ref(), Some(&expected));
}

/// row: I6, X16
#[both_engines]
async fn rivals_leave_no_gap_in_the_versions(app: TestApp) {
    let made = app.product("LAMP", "lamp", "").await;
    let rivals = (0..20).map(|number| {
        let mut client = app.client();
        let request = operator(rename(&made.id, &format!("lamp {number}")));
        async move { client.update_product(request).await }
    });
    let mut done = 1;
    for answer in join_all(rivals).await {
        match answer {
            Ok(_) => done += 1,
            Err(refused) => assert_eq!(refused.code(), Code::Aborted, "{refused}"),
        }
    }
    let told = app.told(&made.id).await;
    let versions: Vec<i64> = told.into_iter().map(|(version, _)| version).collect();
    assert_eq!(versions, (1..=done).collect::<Vec<i64>>());
}

/// row: X16, I8, S-16
#[both_engines]
async fn a_key_gives_the_first_answer_after_later_changes(app: TestApp) {
    let made = app.product("LAMP", "lamp", "").await;
    let mut client = app.client();
    let request = || keyed("k", operator(rename(&made.id, "first")));
    let first = client.update_product(request()).await.unwrap();
    client
        .update_product(operator(rename(&made.id, "second")))
        .await
        .unwrap();
    let again = client.update_product(request()).await.unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(again.into_inner(), first.into_inner());
    assert_eq!(app.search("second", "").await, ["second"]);
}

/// row: D16, P18
#[both_engines]
async fn what_may_not_be_changed_stays(app: TestApp) {
    let made = app.product("LAMP", "lamp", "").await;
    let unknown = "0198f0a0-0000-7000-8000-000000000000";
    let mut client = app.client();
    for (request, expected) in [
        (
            tonic::Request::new(rename(&made.id, "x")),
            Code::Unauthenticated,
        ),
        (customer(rename(&made.id, "x")), Code::PermissionDenied),
        (operator(rename(&made.id, "")), Code::InvalidArgument),
        (operator(rename("7", "x")), Code::InvalidArgument),
        (operator(rename(unknown, "x")), Code::NotFound),
    ] {
        let refused = client.update_product(request).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{refused}");
    }
    assert_eq!(app.outbox().await.len(), 1);
}

use call::{Caller, Role};
use proto::event::v1::product_changed::Change;
use proto::recommendation::v1::GetRecommendationsRequest;
use serde_json::json;
use testkit::app::{by, person, service};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, id, recommend};

const PATH: &str = "/stoa.recommendation.v1.RecommendationService/GetRecommendations";

/// row: D17, E16
#[both_engines]
async fn a_person_may_like_what_goes_with_what_they_bought(app: TestApp) {
    for (number, skus) in [
        (1, &["LAMP", "MUG"][..]),
        (2, &["LAMP", "BULB"]),
        (3, &["MUG", "BULB", "CUP"]),
        (4, &["DESK"]),
        (5, &["DESK", "CHAIR"]),
    ] {
        app.buys(number, skus).await;
    }
    app.hear_all(5).await;
    assert_eq!(app.likes(1).await, ["BULB", "CUP", "DESK", "CHAIR"]);
    assert_eq!(app.likes(4).await, ["CHAIR", "BULB", "LAMP", "MUG", "CUP"]);
    let best = app.with("").await;
    assert_eq!(app.likes(9).await, best, "who bought nothing");
    app.product(11, "BULB", 1, Change::Created).await;
    app.product(11, "BULB", 2, Change::Deleted).await;
    app.hear_all(7).await;
    assert_eq!(app.likes(1).await, ["CUP", "DESK", "CHAIR"]);
    let two = customer(1, recommend(1, 2));
    let two = app.client().get_recommendations(two).await.unwrap();
    assert_eq!(two.into_inner().items.len(), 2);
    for (user_id, limit) in [
        (id(1), 21),
        (id(1), -1),
        ("me".to_owned(), 0),
        (String::new(), 0),
    ] {
        let request = customer(1, GetRecommendationsRequest { user_id, limit });
        let refused = app.client().get_recommendations(request).await;
        assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    }
}

/// Else everybody could ask what somebody bought.
///
/// row: D17, X23, S-05
#[both_engines]
async fn another_s_recommendations_are_answered_as_nobody_s(app: TestApp) {
    app.buys(1, &["LAMP", "MUG"]).await;
    app.hear_all(1).await;
    let ask = async |caller: Caller, number| {
        let message = json!({"userId": id(number)});
        app.json(caller, PATH, message).await
    };
    for role in [Role::Customer, Role::Support, Role::Operator, Role::Admin] {
        let caller = || Caller::User(person(2, &[Role::Customer, role]));
        let (status, theirs) = ask(caller(), 1).await;
        assert_eq!((status, &theirs["code"]), (404, &json!("not_found")));
        assert_eq!((status, theirs), ask(caller(), 77).await);
    }
    let mut client = app.client();
    let stranger = client.get_recommendations(recommend(1, 0)).await;
    assert_eq!(stranger.unwrap_err().code(), Code::Unauthenticated);
    let gateway = by(service("gateway"), recommend(1, 0));
    let refused = client.get_recommendations(gateway).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

/// row: D17
#[both_engines]
async fn of_a_person_the_last_hundred_things_are_kept(app: TestApp) {
    let all: Vec<String> = (0..130).map(|number| format!("SKU-{number:03}")).collect();
    for (number, ten) in all.chunks(10).enumerate() {
        let skus: Vec<&str> = ten.iter().map(String::as_str).collect();
        app.pass(1);
        app.buys(1, &skus).await;
        app.buys(2, &skus[..1]).await;
        app.hear_all(2 * (number as i64 + 1)).await;
    }
    assert_eq!(app.count("purchases").await, 113);
    let likes = app.likes(1).await;
    assert_eq!(likes.len(), 20);
    let first: Vec<&String> = all[..30].iter().collect();
    assert!(likes.iter().all(|sku| first.contains(&sku)), "{likes:?}");
    let recent = app.rows("select count(*) as n from purchases where sku >= 'SKU-030'");
    let recent: i64 = recent.await[0].try_get("", "n").unwrap();
    assert_eq!(recent, 110);
}

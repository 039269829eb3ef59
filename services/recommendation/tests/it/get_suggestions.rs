use proto::event::v1::product_changed::Change;
use testkit::app::{by, service};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, id, skus, suggest};

/// row: D17, AP4, E16
#[both_engines]
async fn what_was_bought_together_comes_first_and_best_sellers_fill_up(app: TestApp) {
    assert_eq!(app.with("LAMP").await, [""; 0], "nothing was bought yet");
    app.product(11, "LAMP", 1, Change::Created).await;
    app.product(12, "BULB", 1, Change::Created).await;
    for (number, skus) in [
        (1, &["LAMP", "BULB"][..]),
        (2, &["BULB", "LAMP", "SHADE"]),
        (3, &["MUG"]),
        (4, &["MUG", "CUP"]),
        (5, &["MUG"]),
        (6, &["CUP"]),
        (6, &["APPLE"]),
    ] {
        app.buys(number, skus).await;
    }
    app.hear_all(9).await;
    let with_lamp = app.suggestions("LAMP", 0).await.unwrap();
    assert_eq!(
        skus(&with_lamp),
        ["BULB", "SHADE", "MUG", "CUP", "APPLE"],
        "of equals first whose SKU comes first"
    );
    let scores: Vec<f64> = with_lamp.iter().map(|item| item.score).collect();
    assert_eq!(scores[..2], [2.0, 1.0]);
    assert!(
        scores[2] < 1.0 && scores.is_sorted_by(|a, b| a >= b),
        "{scores:?}"
    );
    assert_eq!(with_lamp[0].product_id, id(12));
    assert_eq!(with_lamp[1].product_id, "", "nobody told of it");
    let best = ["MUG", "BULB", "CUP", "LAMP", "APPLE", "SHADE"];
    assert_eq!(app.with("").await, best);
    assert_eq!(app.with("GHOST").await, best, "nobody ever bought it");
    assert_eq!(app.with("mug").await, best, "no SKU but that very one");
}

/// row: D17
#[both_engines]
async fn a_list_is_as_long_as_is_asked_ten_at_first_and_twenty_at_most(app: TestApp) {
    let all: Vec<String> = (0..25).map(|number| format!("SKU-{number:02}")).collect();
    for sku in &all {
        app.buys(1, &["LAMP", sku]).await;
        app.buys(2, &[sku]).await;
    }
    app.hear_all(50).await;
    for sku in ["LAMP", "", "GHOST"] {
        for (limit, length) in [(0, 10), (1, 1), (20, 20)] {
            let items = app.suggestions(sku, limit).await.unwrap();
            assert_eq!(items.len(), length, "{sku}, {limit}");
        }
        for limit in [-1, 21, i32::MAX] {
            let refused = app.suggestions(sku, limit).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        }
    }
    assert_eq!(app.with("LAMP").await, all[..20]);
    let long = app.suggestions(&"L".repeat(65), 0).await.unwrap_err();
    assert_eq!(long.code(), Code::InvalidArgument, "{long}");
    assert_eq!(app.with(&"L".repeat(64)).await.len(), 20);
}

/// row: D17
#[both_engines]
async fn what_is_deleted_is_not_suggested_and_its_sku_may_be_sold_again(app: TestApp) {
    app.product(11, "BULB", 1, Change::Created).await;
    app.buys(1, &["LAMP", "BULB"]).await;
    app.buys(2, &["BULB"]).await;
    app.hear_all(3).await;
    assert_eq!(app.with("LAMP").await, ["BULB"]);
    app.pass(1);
    app.product(11, "BULB", 2, Change::Deleted).await;
    app.hear_all(4).await;
    for sku in ["LAMP", "", "GHOST"] {
        let found = app.with(sku).await;
        assert!(!found.contains(&"BULB".to_owned()), "{sku}: {found:?}");
    }
    // Who bought it before his order was heard of brings it not back.
    app.buys(3, &["LAMP", "BULB"]).await;
    app.hear_all(5).await;
    assert_eq!(app.with("LAMP").await, [""; 0]);
    app.pass(1);
    app.product(12, "BULB", 1, Change::Created).await;
    app.hear_all(6).await;
    let again = app.suggestions("LAMP", 0).await.unwrap();
    assert_eq!(
        (skus(&again), &again[0].product_id),
        (vec!["BULB".to_owned()], &id(12))
    );
}

/// row: D17
#[both_engines]
async fn people_and_the_gateway_may_ask_and_nobody_else(app: TestApp) {
    let mut client = app.client();
    let allowed = client.get_suggestions(customer(1, suggest("LAMP", 0)));
    assert_eq!(allowed.await.unwrap().into_inner(), Default::default());
    let stranger = client.get_suggestions(suggest("LAMP", 0)).await;
    assert_eq!(stranger.unwrap_err().code(), Code::Unauthenticated);
    let payment = by(service("payment"), suggest("LAMP", 0));
    let refused = client.get_suggestions(payment).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

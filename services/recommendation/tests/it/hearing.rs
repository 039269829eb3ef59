//! Facts that come again, in another order, of tests, or broken.

use proto::event::v1::product_changed::Change;
use proto::event::v1::{ProductChanged, UserDeleted};
use proto::recommendation::v1::Suggestion;
use testkit::app::eventually;
use testkit::both_engines;

use crate::app::{TestApp, id};

/// All that it would suggest.
async fn all(app: &TestApp, customers: u128) -> (Vec<Vec<Suggestion>>, Vec<Vec<String>>) {
    let mut suggested = Vec::new();
    for sku in ["", "LAMP", "BULB", "MUG", "GHOST"] {
        suggested.push(app.suggestions(sku, 20).await.unwrap());
    }
    let mut liked = Vec::new();
    for number in 1..=customers {
        liked.push(app.likes(number).await);
    }
    (suggested, liked)
}

/// row: D17, I5
#[both_engines]
async fn a_fact_that_is_told_again_counts_once(app: TestApp) {
    app.product(11, "LAMP", 1, Change::Created).await;
    app.buys(1, &["LAMP", "BULB"]).await;
    app.buys(2, &["LAMP", "MUG"]).await;
    app.buys(2, &["LAMP", "BULB"]).await;
    app.leaves(1).await;
    app.hear_all(5).await;
    let before = all(&app, 2).await;
    for _ in 0..3 {
        app.lose_marks().await;
        let hearing = app.hear();
        // By a fact of each service behind them one knows that they came again.
        eventually(async || (app.count("consumer_marks").await == 3).then_some(())).await;
        hearing.stop().await;
        assert_eq!(all(&app, 2).await, before);
    }
    app.lose_marks().await;
    app.buys(2, &["LAMP", "BULB"]).await;
    app.hear_all(6).await;
    assert_eq!(app.suggestions("LAMP", 1).await.unwrap()[0].score, 3.0);
    assert_eq!(app.count("inbox").await, 6);
}

/// Services tell side by side, and what one fails at comes late.
///
/// row: D17, I6
#[both_engines]
async fn the_order_in_which_services_are_heard_makes_no_difference(app: TestApp) {
    // Who left before his last order was heard of.
    app.buys(1, &["LAMP", "MUG"]).await;
    app.hear_all(1).await;
    app.leaves(1).await;
    app.hear_all(2).await;
    assert_eq!(app.count("purchases").await, 0, "erased");
    app.buys(1, &["LAMP", "BULB"]).await;
    app.hear_all(3).await;
    assert_eq!(app.count("purchases").await, 0, "and not kept again");
    assert_eq!(
        app.with("LAMP").await,
        ["BULB", "MUG"],
        "it counts all the same"
    );

    // A product of which the end is heard first, and one whose SKU another has by then.
    let begun = app.clock.now();
    app.product(11, "BULB", 3, Change::Deleted).await;
    app.hear_all(4).await;
    app.product(11, "BULB", 2, Change::Updated).await;
    app.hear_all(5).await;
    assert_eq!(app.with("LAMP").await, ["MUG"]);
    app.pass(10);
    app.product(12, "BULB", 1, Change::Created).await;
    app.hear_all(6).await;
    let late = proto::catalog::v1::Product {
        id: id(11),
        sku: "BULB".to_owned(),
        created_at: Some(begun.into()),
        ..Default::default()
    };
    let late = ProductChanged {
        product: Some(late),
        change: Change::Deleted.into(),
    };
    app.tell("catalog", &late, 4, false).await;
    app.hear_all(7).await;
    let bulb = app.suggestions("LAMP", 1).await.unwrap();
    assert_eq!(
        (bulb[0].sku.as_str(), &bulb[0].product_id),
        ("BULB", &id(12))
    );
}

/// What a test bought sold nothing; what a test put into the catalog, or took away, is there, or gone.
///
/// row: D17, X18
#[both_engines]
async fn a_test_s_orders_count_for_nothing(app: TestApp) {
    let by_a_test = app.confirmed(1, &["LAMP", "BULB"]);
    app.tell("order", &by_a_test, 3, true).await;
    app.buys(2, &["LAMP", "MUG"]).await;
    app.hear_all(2).await;
    assert_eq!(app.with("LAMP").await, ["MUG"]);
    assert_eq!(app.with("BULB").await, ["LAMP", "MUG"]);
    assert_eq!(app.likes(1).await, ["LAMP", "MUG"], "he bought nothing");
    let deleted = UserDeleted { user_id: id(2) };
    app.tell("user", &deleted, 2, true).await;
    app.hear_all(3).await;
    assert_eq!(app.count("purchases").await, 0);
}

/// row: D17
#[both_engines]
async fn an_order_with_many_lines_counts_its_first_sixteen(app: TestApp) {
    let all: Vec<String> = (0..100)
        .rev()
        .map(|number| format!("SKU-{number:03}"))
        .collect();
    let doubled = all.iter().flat_map(|sku| [sku.as_str(), sku.as_str()]);
    app.buys(1, &doubled.collect::<Vec<_>>()).await;
    app.hear_all(1).await;
    for (table, rows) in [("offers", 16), ("pairs", 240), ("purchases", 16)] {
        assert_eq!(app.count(table).await, rows, "{table}");
    }
    let mut first = all[..16].to_vec();
    first.sort();
    assert_eq!(app.with("").await, first);
    app.buys(1, &["LAMP", "LAMP"]).await;
    app.buys(1, &[]).await;
    app.hear_all(3).await;
    assert_eq!(
        app.count("pairs").await,
        240,
        "with itself nothing is bought"
    );
}

/// row: D17, R-07
#[both_engines]
async fn a_fact_that_cannot_be_read_holds_up_no_other(app: TestApp) {
    let mut nobody_s = app.confirmed(1, &["LAMP", "BULB"]);
    nobody_s.user_id = "nobody".to_owned();
    app.tell("order", &nobody_s, 3, false).await;
    for (product, version) in [(None, 1), (Some(Default::default()), 2)] {
        let broken = ProductChanged {
            product,
            change: Change::Created.into(),
        };
        app.tell("catalog", &broken, version, false).await;
    }
    app.buys(2, &["LAMP", "MUG"]).await;
    app.product(11, "MUG", 1, Change::Created).await;
    let hearing = app.hear();
    app.has_heard(2).await;
    // They wait aside: how their tries end is the bus's own matter.
    eventually(async || (app.count("parked_facts").await == 3).then_some(())).await;
    hearing.stop().await;
    assert_eq!(app.with("LAMP").await, ["MUG"]);
    assert_eq!(
        app.suggestions("LAMP", 1).await.unwrap()[0].product_id,
        id(11)
    );
}

/// Many hear at once of the same things, from both ends of their names.
///
/// row: D17
#[both_engines(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_hear_side_by_side_count_each_order_once(app: TestApp) {
    for number in 0..20 {
        let mut skus = ["A", "B", "C", "D", "E"];
        if number % 2 == 0 {
            skus.reverse();
        }
        app.buys(number, &skus).await;
    }
    let both = [app.hear(), app.hear()];
    app.has_heard(20).await;
    for hearing in both {
        hearing.stop().await;
    }
    let with = app.suggestions("C", 4).await.unwrap();
    let scores: Vec<(&str, f64)> = with.iter().map(|it| (it.sku.as_str(), it.score)).collect();
    assert_eq!(scores, [("A", 20.0), ("B", 20.0), ("D", 20.0), ("E", 20.0)]);
}

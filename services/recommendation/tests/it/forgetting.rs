//! What is forgotten after long, and what is not.

use testkit::app::eventually;
use testkit::both_engines;

use crate::app::TestApp;

const DAY: u64 = 24 * 3600;

/// row: D17
#[both_engines]
async fn pairs_that_nobody_buys_any_more_are_forgotten(app: TestApp) {
    app.buys(1, &["LAMP", "BULB"]).await;
    app.buys(2, &["LAMP", "MUG"]).await;
    app.leaves(1).await;
    app.hear_all(3).await;
    app.pass(200 * DAY);
    app.buys(3, &["LAMP", "MUG"]).await;
    app.leaves(3).await;
    app.hear_all(2).await; // what was heard so long before is forgotten too
    app.pass(201 * DAY);
    let keeps = app.task("housekeeping");
    let stop = app.shutdown.clone();
    let kept = tokio::spawn(keeps.run(stop.clone()));
    eventually(async || (app.count("departures").await == 0).then_some(())).await;
    stop.cancel();
    kept.await.unwrap();
    assert_eq!(app.count("pairs").await, 2, "both ways");
    let with_lamp = app.suggestions("LAMP", 20).await.unwrap();
    let scores: Vec<(&str, bool)> = with_lamp
        .iter()
        .map(|it| (it.sku.as_str(), it.score >= 1.0))
        .collect();
    assert_eq!(scores, [("MUG", true), ("BULB", false)]);
    assert_eq!(with_lamp[0].score, 2.0);
}

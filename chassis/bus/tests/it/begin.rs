//! Where a group begins, and where it goes on.

use bus::{Heard, Start};
use testkit::both_engines;

use super::{Town, told};

/// row: E16
#[both_engines]
pub async fn the_earliest_start_hears_what_was_told_before_and_the_latest_does_not(town: Town) {
    town.tell("a", 1).await;
    town.is_published().await;
    let process = town.begin(Start::Latest);
    while town.number("select count(*) from consumer_marks").await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    town.tell("b", 1).await;
    assert_eq!(town.until(1).await, told(&[("b", 1)]));
    process.stop().await;

    // Its start is where it begins, not where it goes on.
    town.tell("c", 1).await;
    let process = town.begin(Start::Latest);
    assert_eq!(town.until(2).await, told(&[("b", 1), ("c", 1)]));
    process.stop().await;

    town.run("delete from consumer_marks").await;
    let process = town.begin(Start::Earliest);
    let all = told(&[("b", 1), ("c", 1), ("a", 1)]);
    assert_eq!(town.until(3).await, all);
    process.stop().await;
}

/// Who prunes the outbox must know how far it was heard, and not guess.
#[both_engines]
pub async fn how_far_all_have_come_is_known_once_all_have_said_it(town: Town) {
    let process = town.begin(Start::Earliest);
    assert_eq!(process.bus.heard("catalog"), Heard::ByNobody);
    town.tell("a", 1).await;
    town.until(1).await;
    process.has_come_up_to(town.last().await).await;
    process.stop().await;
}

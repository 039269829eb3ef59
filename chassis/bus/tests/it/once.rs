//! One effect for each fact, whatever happens between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::Start;
use clock::Clock;
use testkit::{Engine, both_engines};

use super::{Town, told};

const HEARD: &str = "select count(*) from inbox";
/// Rises with the place up to which it heard.
const MARK: &str =
    "select cast(coalesce(max(transaction_id + position), 0) as bigint) from consumer_marks";

/// row: I5
#[both_engines]
pub async fn a_fact_that_is_told_again_has_no_effect_again(town: Town) {
    for key in ["a", "b"] {
        town.tell(key, 1).await;
    }
    let process = town.begin(Start::Earliest);
    town.until(2).await;
    process.stop().await;
    // As after a crash before the mark was kept.
    town.run("delete from consumer_marks").await;
    let process = town.begin(Start::Earliest);
    town.tell("a", 2).await;
    let done = town.until(3).await;
    assert_eq!(done.last(), told(&[("a", 2)]).last());
    assert_eq!(done.len(), 3);
    process.stop().await;
}

/// A process dies wherever it stands, again and again, while facts come in: each has one effect, and those about one
/// thing have theirs in order.
///
/// row: I4, I5, I6
#[both_engines]
pub async fn a_process_that_dies_anywhere_loses_nothing_and_does_nothing_twice(town: Town) {
    /// So many that they take several transactions: between two of these some are heard, and no place is kept.
    const THINGS: i64 = 160;
    const TOLD_EVERY: Duration = Duration::from_millis(150);
    const LIVES: usize = 25;
    const REPEATS: usize = 3;
    let over = AtomicBool::new(false);
    let telling = async {
        let mut version = 0;
        while !over.load(Ordering::Relaxed) {
            version += 1;
            let things = (0..THINGS).map(|thing| format!("t{thing}"));
            town.tell_all(things, version).await;
            tokio::time::sleep(TOLD_EVERY).await;
        }
        version
    };
    let dying = async {
        let (mut lives, mut repeats) = (0, 0);
        while lives < LIVES || repeats < REPEATS {
            lives += 1;
            assert!(
                lives < 40 * LIVES,
                "nothing is told again, so nothing is proved"
            );
            let (mark, heard) = (town.number(MARK).await, town.number(HEARD).await);
            let process = town.begin(Start::Earliest);
            let [random] = Clock::system().random();
            tokio::time::sleep(Duration::from_micros(u64::from(random) * 1000)).await;
            process.die().await;
            // What was heard since the mark that is kept is told again.
            let is_kept = town.number(MARK).await != mark;
            repeats += usize::from(!is_kept && town.number(HEARD).await > heard);
        }
        over.store(true, Ordering::Relaxed);
    };
    let (versions, ()) = tokio::join!(telling, dying);
    let process = town.begin(Start::Earliest);
    let all = usize::try_from(THINGS * versions).unwrap();
    let done = town.until(all).await;
    assert_eq!(done.len(), all);
    for thing in 0..THINGS {
        let thing = format!("t{thing}");
        let of_thing = done.iter().filter(|(of, _)| *of == thing);
        let heard: Vec<i64> = of_thing.map(|(_, version)| *version).collect();
        assert_eq!(heard, (1..=versions).collect::<Vec<_>>(), "{thing}");
    }
    assert_eq!(town.number(HEARD).await, all as i64);
    process.stop().await;
}

/// Facts that are there together share a transaction, and not each what it costs to make one durable.
///
/// row: I5
#[tokio::test]
async fn facts_that_come_together_share_a_transaction() {
    const THINGS: usize = 40;
    let town: Town = testkit::on(Engine::Postgres).await;
    for thing in 0..THINGS {
        town.tell(&format!("t{thing}"), 1).await;
        town.tell(&format!("t{thing}"), 2).await;
    }
    let process = town.begin(Start::Earliest);
    town.until(2 * THINGS).await;
    let transactions = town
        .number("select count(distinct xmin::text) from effects")
        .await;
    assert!(transactions <= 2, "{transactions}");
    process.stop().await;
}

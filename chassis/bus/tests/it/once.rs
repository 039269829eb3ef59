//! One effect for each fact, whatever happens between.

use std::time::Duration;

use bus::Start;
use clock::Clock;
use testkit::{Engine, both_engines};

use super::{Town, told};

/// row: I5
#[both_engines]
async fn a_fact_that_is_told_again_has_no_effect_again(engine: Engine) {
    let town: Town = testkit::on(engine).await;
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
async fn a_process_that_dies_anywhere_loses_nothing_and_does_nothing_twice(engine: Engine) {
    const THINGS: i64 = 12;
    const VERSIONS: i64 = 10;
    let town: Town = testkit::on(engine).await;
    let telling = async {
        for version in 1..=VERSIONS {
            for thing in 0..THINGS {
                town.tell(&format!("t{thing}"), version).await;
            }
        }
    };
    let dying = async {
        for _ in 0..25 {
            let process = town.begin(Start::Earliest);
            let [random] = Clock::system().random();
            tokio::time::sleep(Duration::from_micros(u64::from(random) * 200)).await;
            process.die().await;
        }
    };
    tokio::join!(telling, dying);
    let process = town.begin(Start::Earliest);
    let all = usize::try_from(THINGS * VERSIONS).unwrap();
    let done = town.until(all).await;
    tokio::time::sleep(Duration::from_millis(300)).await; // and nothing more
    assert_eq!(town.effects().await.len(), all);
    for thing in 0..THINGS {
        let thing = format!("t{thing}");
        let of_thing = done.iter().filter(|(of, _)| *of == thing);
        let versions: Vec<i64> = of_thing.map(|(_, version)| *version).collect();
        assert_eq!(versions, (1..=VERSIONS).collect::<Vec<_>>(), "{thing}");
    }
    assert_eq!(town.number("select count(*) from inbox").await, all as i64);
    process.stop().await;
}

//! What a group fails at, and what that holds up.

use std::sync::PoisonError;
use std::time::Duration;

use bus::Start;
use testkit::{Engine, both_engines};

use super::{PATIENCE, SLOW, Town, told};

const DEAD: &str = "select count(*) from parked_facts where next_at is null";
const ASIDE: &str = "select count(*) from parked_facts";

impl Town {
    fn fail(&self, fact: &str, times: u32) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.insert(fact.to_owned(), times);
    }

    async fn until_number(&self, query: &str, number: i64) {
        let waiting = async {
            while self.number(query).await != number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{query} is {}", self.number(query).await);
    }
}

/// What fails twice is heard at the third try; what is about the same thing waits behind it, and all else does not.
#[both_engines]
pub async fn a_fact_that_fails_holds_up_only_what_is_about_the_same_thing(town: Town) {
    town.fail("a 1", 2);
    for (key, version) in [("a", 1), ("a", 2), ("b", 1)] {
        town.tell(key, version).await;
    }
    let process = town.begin(Start::Earliest);
    let done = town.until(3).await;
    assert_eq!(done, told(&[("b", 1), ("a", 1), ("a", 2)]));
    town.until_number(ASIDE, 0).await;
    town.tell("a", 3).await;
    town.until(4).await;
    assert_eq!(
        town.number(ASIDE).await,
        0,
        "nothing waits behind it any more"
    );
    process.stop().await;
}

/// One poison fact among good ones, one that panics and one that does not decode.
///
/// row: R-07
#[both_engines]
pub async fn a_poison_fact_is_left_as_a_dead_letter_and_delays_nothing(town: Town) {
    town.fail("poison 1", 1_000);
    town.fail("bomb 1", u32::MAX);
    town.tell("poison", 1).await;
    town.tell("bomb", 1).await;
    town.tell_bytes("user.created", "garbage", 1, vec![0xff])
        .await;
    let process = town.begin(Start::Earliest);
    for number in 0..100 {
        town.tell(&format!("good{number}"), 1).await;
    }
    town.until(100).await;
    town.until_number(DEAD, 3).await;
    assert_eq!(
        town.number("select cast(min(tries) as bigint) from parked_facts")
            .await,
        5
    );
    assert_eq!(
        town.number("select cast(max(tries) as bigint) from parked_facts")
            .await,
        5
    );
    // What comes after a dead letter is heard.
    town.tell("poison", 2).await;
    assert_eq!(town.until(101).await.last(), told(&[("poison", 2)]).last());
    assert_eq!(town.number(ASIDE).await, 3);
    process.stop().await;
}

/// What the database never does is not taken for its absence for ever: a fact that only it cannot bear is one that
/// fails, and what waits behind no such fact goes on meanwhile.
#[both_engines]
pub async fn a_fact_that_takes_too_long_each_time_is_put_aside(town: Town) {
    town.fail("slow 1", SLOW);
    for key in ["slow", "b"] {
        town.tell(key, 1).await;
    }
    let process = town.begin(Start::Earliest);
    town.until_number(ASIDE, 1).await;
    assert_eq!(town.until(1).await, told(&[("b", 1)]));
    process.stop().await;
}

/// A dead letter that somebody sets due is tried again by a process that runs.
#[both_engines]
pub async fn a_dead_letter_that_is_due_again_is_tried_again(town: Town) {
    town.fail("a 1", 5);
    town.tell("a", 1).await;
    let process = town.begin(Start::Earliest);
    town.until_number(DEAD, 1).await;
    let now = match town.hears.engine() {
        Engine::Sqlite => "'2000-01-01 00:00:00+00:00'",
        Engine::Postgres => "now()",
    };
    town.run(&format!(
        "update parked_facts set next_at = {now}, tries = 0"
    ))
    .await;
    assert_eq!(town.until(1).await, told(&[("a", 1)]));
    town.until_number(ASIDE, 0).await;
    process.stop().await;
}

/// What waits aside does so across a crash too.
#[both_engines]
pub async fn what_waits_aside_is_tried_by_the_next_process(town: Town) {
    town.fail("a 1", 4);
    town.tell("a", 1).await;
    town.tell("a", 2).await;
    let process = town.begin(Start::Earliest);
    town.until_number(ASIDE, 2).await;
    process.die().await;
    assert_eq!(town.number(ASIDE).await, 2);
    let process = town.begin(Start::Earliest);
    assert_eq!(town.until(2).await, told(&[("a", 1), ("a", 2)]));
    town.until_number(ASIDE, 0).await;
    process.stop().await;
}

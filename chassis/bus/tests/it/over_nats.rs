//! The same over NATS JetStream, and what only a broker can do.

use bus::{Heard, Start};
use chrono::TimeDelta;
use events::outbox;
use testkit::{Engine, nats};
use tokio::time::Instant;

use super::{PATIENCE, Process, Town, told};

impl Town {
    /// One whose facts go over a broker of its own.
    async fn over_nats() -> Self {
        let town: Self = testkit::on(Engine::Sqlite).await;
        Self {
            broker: Some(nats::broker().await),
            ..town
        }
    }

    /// Waits until the broker has all that was told, if there is one.
    pub async fn is_published(&self) {
        if self.broker.is_some() {
            let relay = self.begin_relay();
            relay.has_come_up_to(self.last().await).await;
            relay.stop().await;
        }
    }

    /// Begins to tell, and hears nothing.
    fn begin_relay(&self) -> Process {
        let bus = self.bus();
        let relay = bus.open(&self.tells, &self.clock);
        Process::of(bus, relay.into_iter())
    }
}

macro_rules! over_nats {
    ($($module:ident::$test:ident,)*) => {$(
        #[tokio::test]
        async fn $test() {
            crate::$module::$test(Town::over_nats().await).await;
        }
    )*};
}

over_nats! {
    begin::the_earliest_start_hears_what_was_told_before_and_the_latest_does_not,
    fail::a_fact_that_fails_holds_up_only_what_is_about_the_same_thing,
    fail::a_poison_fact_is_left_as_a_dead_letter_and_delays_nothing,
    fail::a_dead_letter_that_is_due_again_is_tried_again,
    fail::what_waits_aside_is_tried_by_the_next_process,
    once::a_fact_that_is_told_again_has_no_effect_again,
    once::a_process_that_dies_anywhere_loses_nothing_and_does_nothing_twice,
}

/// Several replicas publish, one dies amid it and the broker too: the stream is the outbox, in its order.
///
/// row: I4, I5, I6
#[tokio::test]
async fn several_relays_and_a_broker_that_dies_tell_everything_once_and_in_order() {
    const THINGS: i64 = 5;
    const VERSIONS: i64 = 40;
    let mut town = Town::over_nats().await;
    let replicas = [town.begin_relay(), town.begin_relay()];
    let process = town.begin(Start::Earliest);
    for version in 1..=VERSIONS {
        for thing in 0..THINGS {
            town.tell(&format!("t{thing}"), version).await;
        }
        if version % 10 == 5 {
            let broker = town.broker.as_mut().unwrap();
            broker.kill();
            broker.start().await;
        }
    }
    let [first, second] = replicas;
    first.die().await;
    let all = usize::try_from(THINGS * VERSIONS).unwrap();
    let done = town.until(all).await;
    assert_eq!(done.len(), all);
    for thing in 0..THINGS {
        let thing = format!("t{thing}");
        let of_thing = done.iter().filter(|(of, _)| *of == thing);
        let heard: Vec<i64> = of_thing.map(|(_, version)| *version).collect();
        assert_eq!(heard, (1..=VERSIONS).collect::<Vec<_>>(), "{thing}");
    }
    second.stop().await;
    process.stop().await;
}

/// A broker that is not there when a process starts, and comes later: nothing is lost, the outbox is not pruned before
/// all is published, and relay and group say that they wait.
///
/// row: R-21, X19
#[tokio::test]
async fn a_broker_that_comes_late_is_told_everything() {
    let mut town = Town::over_nats().await;
    town.broker.as_mut().unwrap().kill();
    let process = town.begin(Start::Earliest);
    town.tell("a", 1).await;
    process.until_all_wait(true).await;
    assert_eq!(process.bus.heard("user"), Heard::Unknown);
    assert_eq!(town.effects().await, []);
    town.broker.as_mut().unwrap().start().await;
    assert_eq!(town.until(1).await, told(&[("a", 1)]));
    process.has_come_up_to(town.last().await).await;
    process.until_all_wait(false).await;
    process.stop().await;
}

/// Whoever puts another stream in the place of one that is followed takes nothing from who follows it: what the outbox
/// has yet is told anew, under numbers that were heard already, and is heard.
///
/// row: I4, I5
#[tokio::test]
async fn a_stream_that_is_made_anew_under_its_followers_is_heard_from_its_beginning() {
    const BEFORE: i64 = 5;
    let town = Town::over_nats().await;
    let process = town.begin(Start::Earliest);
    for version in 1..=BEFORE {
        town.tell("a", version).await;
    }
    let before = usize::try_from(BEFORE).unwrap();
    town.until(before).await;
    process.has_come_up_to(town.last().await).await;
    // So that there are fewer than before.
    let pruned = outbox::prune(&town.tells, town.clock.now(), Some(town.last().await)).await;
    assert_eq!(pruned.unwrap(), before as u64);
    let client = async_nats::connect(town.broker.as_ref().unwrap().url()).await;
    let broker = async_nats::jetstream::new(client.unwrap());
    broker.delete_stream("stoa-user").await.unwrap();
    town.tell("b", 1).await;
    town.tell("b", 2).await;
    let done = town.until(before + 2).await;
    assert_eq!(done[before..], told(&[("b", 1), ("b", 2)]));
    process.until_all_wait(false).await;
    process.stop().await;
}

/// What is old goes from a stream up to where all groups have come. The last message stays, which says where to go on.
///
/// row: I4
#[tokio::test]
async fn a_stream_is_pruned_up_to_where_all_have_come() {
    let mut town = Town::over_nats().await;
    let process = town.begin(Start::Earliest);
    for version in 1..=5 {
        town.tell("a", version).await;
    }
    town.until(5).await;
    let client = async_nats::connect(town.broker.as_ref().unwrap().url()).await;
    let broker = async_nats::jetstream::new(client.unwrap());
    let groups = broker.get_key_value("stoa-groups").await.unwrap();
    let begun = Instant::now();
    while groups.get("user.test").await.unwrap().unwrap() != "5" {
        assert!(begun.elapsed() < PATIENCE, "it never says how far it is");
    }
    process.stop().await;
    let first = async || {
        let stream = broker.get_stream("stoa-user").await.unwrap();
        stream.cached_info().state.first_sequence
    };
    assert_eq!(first().await, 1);
    // Nine days later, with one that has come less far, and then without it.
    let later = town.clock.now() + TimeDelta::days(9);
    (town.clock, _) = clock::Manual::new(later);
    groups.put("user.other", "2".into()).await.unwrap();
    for (kept, left) in [(3, "user.other"), (5, "user.none")] {
        let relay = town.begin_relay();
        let begun = Instant::now();
        while first().await != kept {
            assert!(begun.elapsed() < PATIENCE, "{} of {kept}", first().await);
        }
        relay.stop().await;
        groups.delete(left).await.unwrap();
    }
}

/// What somebody deletes from a stream nobody hears; all that is left is heard.
#[tokio::test]
async fn a_gap_in_a_stream_holds_up_nothing() {
    let town = Town::over_nats().await;
    for version in 1..=3 {
        town.tell("a", version).await;
    }
    town.is_published().await;
    let client = async_nats::connect(town.broker.as_ref().unwrap().url()).await;
    let broker = async_nats::jetstream::new(client.unwrap());
    let stream = broker.get_stream("stoa-user").await.unwrap();
    stream.delete_message(2).await.unwrap();
    let process = town.begin(Start::Earliest);
    assert_eq!(town.until(2).await, told(&[("a", 1), ("a", 3)]));
    process.until_all_wait(false).await;
    process.stop().await;
}

/// Who we are to a broker stands in its address, whatever letters a password has.
///
/// row: R-21
#[tokio::test]
async fn a_broker_that_asks_who_comes_is_told() {
    let town: Town = testkit::on(Engine::Sqlite).await;
    let mut town = Town {
        broker: Some(nats::broker_of("ada", "p@ss:w/rd%").await),
        ..town
    };
    town.tell("a", 1).await;
    for login in ["", "ada:wrong@"] {
        town.login = login;
        let process = town.begin(Start::Earliest);
        process.until_all_wait(true).await;
        for condition in &process.conditions {
            let cause = condition.waits().unwrap();
            assert!(cause.contains("authorization violation"), "{cause}");
            assert!(!cause.contains("wrong"), "{cause}");
        }
        assert_eq!(town.effects().await, [], "{login}");
        process.stop().await;
    }
    town.login = "ada:p%40ss%3Aw%2Frd%25@";
    let process = town.begin(Start::Earliest);
    assert_eq!(town.until(1).await, told(&[("a", 1)]));
    process.stop().await;
}

/// A broker that lost all it had is told again whatever the outbox has, and what was heard has no effect again.
///
/// row: I4, I5
#[tokio::test]
async fn a_broker_that_lost_everything_is_told_it_again() {
    let mut town = Town::over_nats().await;
    let process = town.begin(Start::Earliest);
    town.tell("a", 1).await;
    town.until(1).await;
    process.stop().await;
    town.broker = Some(nats::broker().await);
    town.tell("a", 2).await;
    let process = town.begin(Start::Earliest);
    assert_eq!(town.until(2).await, told(&[("a", 1), ("a", 2)]));
    process.stop().await;
}

//! Tokens of keys that strangers made up, by the thousand, beside people whose key is known.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use call::{Role, Roles, User};
use clock::Clock;
use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use sql::{Config, Database};
use token::{AccessClaims, SigningKey};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::shop::Door;
use crate::wires::{self, WIRES};

const LIST: &str = "catalog.v1.CatalogService/ListProducts";
/// From a fetch of the keys to the next that strangers cause.
const FETCH_INTERVAL: Duration = Duration::from_secs(10);
/// Until something that happens at all has happened.
const SOON: Duration = Duration::from_secs(30);

/// Strangers with tokens under names of their own, each from one of several addresses: an address
/// may hold a hundred connections.
struct Strangers {
    pkcs8: Vec<u8>,
    doors: Vec<Door>,
}

impl Strangers {
    fn at(door: &Door) -> Self {
        let key = SigningKey::generate("any").expect("a key");
        let address = |last| Ipv4Addr::new(127, 0, 7, last);
        Self {
            pkcs8: key.pkcs8().to_vec(),
            doors: (1..=10).map(|last| door.used_from(address(last))).collect(),
        }
    }

    /// A way in for the so-manyth of them.
    fn door(&self, number: usize) -> Door {
        let key = SigningKey::from_pkcs8(&format!("made-up-{number}"), &self.pkcs8);
        let door = &self.doors[number % self.doors.len()];
        with_token(door, &key.expect("it was a key"))
    }
}

/// A door with a new token of a key.
fn with_token(door: &Door, key: &SigningKey) -> Door {
    let user = User {
        id: Uuid::from_u128(7),
        roles: Roles::from_iter([Role::Customer]),
        session: None,
    };
    let clock = Clock::system();
    let claims = AccessClaims::new(user, clock.id(), clock.now());
    let mut door = door.clone();
    door.token = Some(key.sign_access(&claims).expect("it signs"));
    door
}

/// How often a process asked the user service for its keys.
async fn fetches(admin: &Door) -> u64 {
    let text = admin.get("/metrics").await.bytes;
    let text = String::from_utf8_lossy(&text).into_owned();
    let calls = text.lines().filter_map(|line| {
        let labels = line.strip_prefix("rpc_client_call_duration_seconds_count{")?;
        let (labels, count) = labels.rsplit_once("} ")?;
        labels
            .contains("AuthService/GetJwks\"")
            .then(|| count.parse::<u64>().expect("a count"))
    });
    calls.sum()
}

/// What is answered to somebody at the catalog.
async fn asked(door: &Door) -> String {
    door.call(LIST, json!({"pageSize": 1})).await.code()
}

/// Somebody at another door than that of their own.
fn at(door: &Door, of: &Door) -> Door {
    let mut door = door.clone();
    door.token.clone_from(&of.token);
    door
}

/// Nobody whose key is known waits for strangers' keys; these wait for one fetch, so many of them
/// at once, and are told no more than that it cannot be asked now.
///
/// row: S-03, G4
#[tokio::test]
async fn people_are_answered_while_strangers_wait_for_a_user_service_that_hangs() {
    let mut fleet = Fleet::start().await;
    let (catalog, admin) = (fleet.door("catalog"), fleet.admin("catalog").await);
    let mut people = Vec::new();
    for _ in 0..10 {
        let person = fleet.gateway.sign_in("customer@stoa.test", "stoa-demo");
        people.push(at(&catalog, &person.await.door)); // a token that the catalog has not seen
    }
    let strangers = Strangers::at(&catalog);
    let doors: Vec<Door> = (0..600).map(|number| strangers.door(number)).collect();
    // Until strangers may cause another fetch, they are told what the last one found.
    sleep(FETCH_INTERVAL).await;
    let before = fetches(&admin).await;
    fleet.processes["user"].pause();

    let begun = Instant::now();
    let mut waiting = JoinSet::new();
    for door in doors {
        waiting.spawn(async move { asked(&door).await });
    }
    let first = waiting.join_next().await.expect("somebody is answered");
    assert_eq!(first.expect("no panic"), "unavailable", "too many wait");
    let answers = people.iter().map(|person| async {
        let begun = Instant::now();
        (asked(person).await, begun.elapsed())
    });
    let answers = join_all(answers).await;
    let took = answers.iter().map(|(_, took)| *took).max();
    assert!(answers.iter().all(|(code, _)| code == "ok"), "{answers:?}");
    assert!(took <= Some(Duration::from_secs(2)), "{answers:?}");
    while waiting.try_join_next().is_some() {}
    let left = waiting.len();
    assert!(left > 0, "nobody waited meanwhile");
    while let Some(stranger) = waiting.join_next().await {
        assert_eq!(stranger.expect("no panic"), "unavailable");
    }
    println!(
        "people after {took:?}, {left} strangers after {:?}",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "a fetch takes 5 s"
    );
    assert_eq!(fetches(&admin).await - before, 1);

    // A good token may be among them, and whoever is told that it is bad signs in again.
    let list = wires::rpc(LIST);
    for wire in WIRES {
        let (door, message) = (strangers.door(600), json!({}));
        let told = wire.call(&door, &list, &message, &[]).await;
        let said = "The authentication token cannot be checked now";
        assert_eq!((told.code.as_str(), &*told.said), ("unavailable", said));
    }
    fleet.processes["user"].resume();
    let until = Instant::now() + SOON;
    while asked(&strangers.door(601)).await != "unauthenticated" {
        assert!(Instant::now() < until, "the keys do not come again");
        sleep(Duration::from_millis(100)).await;
    }
}

/// A thousand made-up tokens a second while the key that signs is replaced: every good token is
/// good, of the old key and of the new one, and the keys are asked for every ten seconds at most.
///
/// row: S-03, G4
#[tokio::test]
async fn a_key_is_replaced_in_a_flood_and_every_good_token_stays_good() {
    let (mut fleet, _server, url) = Fleet::start_replicated("user").await;
    let (catalog, admin) = (fleet.door("catalog"), fleet.admin("catalog").await);
    let old = newest_key(&url).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (before, begun) = (fetches(&admin).await, Instant::now());
    let strangers = tokio::spawn(flood(Strangers::at(&catalog), stop.clone()));
    let early = tokio::spawn(people(catalog.clone(), old.clone(), stop.clone()));

    // The key has signed for nearly a month: the next replica to look makes another.
    let days = chrono::TimeDelta::days(30) - chrono::TimeDelta::hours(1);
    sign_from(&url, Clock::system().now() - days).await;
    fleet.replica("user").await;
    let made = fetches(&admin).await;
    let until = Instant::now() + SOON;
    while fetches(&admin).await == made {
        assert!(Instant::now() < until, "nobody asks for the keys");
        sleep(Duration::from_millis(100)).await;
    }
    // The day is over for which it is published before it signs.
    sign_from(&url, Clock::system().now()).await;
    let new = newest_key(&url).await;
    let renewed = fleet.replica("user").await;
    let person = renewed.sign_in("customer@stoa.test", "stoa-demo").await;
    assert_ne!(old.kid(), new.kid());
    assert_eq!(kid(&person.door), new.kid(), "it signs by the new key");
    assert_eq!(asked(&at(&catalog, &person.door)).await, "ok");
    let late = tokio::spawn(people(catalog.clone(), new, stop.clone()));
    sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);

    let strangers = strangers.await.expect("no panic");
    let (early, late) = (
        early.await.expect("no panic"),
        late.await.expect("no panic"),
    );
    let took = begun.elapsed();
    let fetches = fetches(&admin).await - before;
    println!("{took:?}: {fetches} fetches, old {early:?}, new {late:?}, made up {strangers:?}");
    for good in [early, late] {
        assert_eq!(good.keys().collect::<Vec<_>>(), ["ok"]);
    }
    // More than wait at once for a fetch are told that it cannot be asked now.
    let refusals = ["unauthenticated", "unavailable"];
    assert!(strangers.keys().all(|code| refusals.contains(&&**code)));
    let tried: u64 = strangers.values().sum();
    assert!(tried >= FLOOD_MIN, "{tried} are no flood");
    let most = took.as_secs() / FETCH_INTERVAL.as_secs() + 1;
    assert!((1..=most).contains(&fetches), "{fetches} in {took:?}");
}

/// Strangers at least, on a machine that bears the fewest.
const FLOOD_MIN: u64 = 500;

/// How often each was answered.
type Answers = BTreeMap<String, u64>;

/// Calls with one token of a key after another.
async fn people(catalog: Door, key: Arc<SigningKey>, stop: Arc<AtomicBool>) -> Answers {
    let mut answers = Answers::new();
    while !stop.load(Ordering::Relaxed) {
        let code = asked(&with_token(&catalog, &key)).await;
        *answers.entry(code).or_default() += 1;
    }
    answers
}

/// A thousand strangers a second, each under a name of its own, or as many as the machine bears.
async fn flood(strangers: Strangers, stop: Arc<AtomicBool>) -> Answers {
    let mut answers = Answers::new();
    let mut tick = interval(Duration::from_millis(5));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let places = Arc::new(Semaphore::new(200));
    let mut calls = JoinSet::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if number % 5 == 0 {
            tick.tick().await;
        }
        let place = places.clone().acquire_owned().await;
        let place = place.expect("it is never closed");
        let door = strangers.door(number);
        calls.spawn(async move {
            let code = asked(&door).await;
            drop(place);
            code
        });
        while let Some(call) = calls.try_join_next() {
            *answers.entry(call.expect("no panic")).or_default() += 1;
        }
    }
    for call in calls.join_all().await {
        *answers.entry(call).or_default() += 1;
    }
    answers
}

/// The key of the user service that signs last.
async fn newest_key(url: &str) -> Arc<SigningKey> {
    let db = Database::connect("user", &Config::new(url)).await;
    let db = db.expect("the server is there");
    let sql = "select kid, private_key from signing_keys order by signs_from desc limit 1";
    let newest = Statement::from_string(DbBackend::Postgres, sql);
    let row = db.read().query_one_raw(newest).await.expect("a table");
    let row = row.expect("there is a key");
    let kid: String = row.try_get("", "kid").expect("a name");
    let pkcs8: Vec<u8> = row.try_get("", "private_key").expect("a key");
    db.close().await.expect("it closes");
    Arc::new(SigningKey::from_pkcs8(&kid, &pkcs8).expect("a key"))
}

/// Has the newest key sign from then on.
async fn sign_from(url: &str, at: chrono::DateTime<chrono::Utc>) {
    let db = Database::connect("user", &Config::new(url)).await;
    let db = db.expect("the server is there");
    let sql = "update signing_keys set signs_from = $1 \
        where signs_from = (select max(signs_from) from signing_keys)";
    let moved = Statement::from_sql_and_values(DbBackend::Postgres, sql, [at.into()]);
    let txn = db.begin_write().await.expect("its turn comes");
    let moved = txn.execute_raw(moved).await.expect("the table is there");
    assert_eq!(moved.rows_affected(), 1);
    txn.commit().await.expect("it commits");
    db.close().await.expect("it closes");
}

/// The key that a door's token names.
fn kid(door: &Door) -> String {
    let token = door.token.as_deref().expect("signed in");
    let head = token.split('.').next().expect("a head");
    let head = BASE64_URL_SAFE_NO_PAD.decode(head).expect("Base64");
    let head: Value = serde_json::from_slice(&head).expect("JSON");
    head["kid"].as_str().expect("a name").to_owned()
}

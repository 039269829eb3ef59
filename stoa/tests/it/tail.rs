//! `stoa events tail`: what services tell each other, for who wants to see it.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use testkit::process::Process;

use crate::shop::{Customer, Door, Shop, binary, stoa};

const SOON: Duration = Duration::from_secs(30);

/// A tail that runs.
struct Tail {
    process: Process,
    _folder: TempDir,
}

impl Tail {
    /// Begins one at a shop, and waits until it hears.
    async fn begin(shop: &Shop, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let port = shop.admin.rsplit(':').next().expect("a port");
        let all = [&["events", "tail"], arguments, &["--admin-port", port]].concat();
        let output = folder.path().join("output");
        let process = Process::start(binary(), all, &[], &output);
        let mut tail = Self {
            process: process.expect("stoa is a program"),
            _folder: folder,
        };
        tail.says("hearing").await;
        tail
    }

    async fn says(&mut self, said: &str) {
        let find = |output: &str| output.contains(said).then_some(());
        self.process.wait_for(SOON, find).await.expect("it says so");
    }

    /// The facts that it printed, once there are so many.
    async fn until(&mut self, count: usize) -> Vec<Value> {
        let find = |output: &str| {
            let lines = output.lines().filter(|line| line.starts_with('{'));
            let facts: Vec<Value> = lines.filter_map(|line| line.parse().ok()).collect();
            (facts.len() >= count).then_some(facts)
        };
        let found = self.process.wait_for(SOON, find).await;
        found.expect("they are told")
    }
}

/// Places an order; its id.
async fn buy(customer: &Customer) -> Value {
    let placed = customer.place("MUG-STR-01", 1, "tok_ok").await.json();
    placed["order"]["id"].clone()
}

/// The process that tells them is killed right after an order, and comes back.
///
/// row: E1
#[tokio::test]
async fn orders_are_heard_once_each_whatever_dies_between() {
    let mut shop = Shop::up().await;
    let mut ada = shop.door.sign_up("ada@example.test").await;
    let before = buy(&ada).await;
    let mut tail = Tail::begin(&shop, &["order.created"]).await;
    let mut bought = vec![buy(&ada).await];
    let heard = tail.until(1).await;
    assert_eq!(heard[0]["eventType"], "ORDER_CREATED");
    assert_eq!(heard[0]["source"], "order");
    assert!(heard[0]["timestamp"].as_str().unwrap().ends_with('Z'));
    let data = &heard[0]["data"];
    assert_eq!(data["orderId"], bought[0]);
    assert_eq!(data["userId"], *ada.id);
    assert_eq!(data["items"][0]["sku"], "MUG-STR-01", "{data}");
    assert!(data["total"].is_object(), "{data}");

    for _ in 0..3 {
        bought.push(buy(&ada).await);
        shop.process.kill();
        tail.says("asked again and again").await;
        shop.restart().await;
        ada.door.token.clone_into(&mut shop.door.token);
        ada.door = shop.door.clone();
    }
    bought.push(buy(&ada).await);
    let heard = tail.until(bought.len()).await;
    let ids: Vec<_> = heard.iter().map(|fact| &fact["data"]["orderId"]).collect();
    assert_eq!(ids, bought.iter().collect::<Vec<_>>());
    assert!(!ids.contains(&&before), "it began with what came later");
}

/// row: E4, X10
#[tokio::test]
async fn all_that_is_kept_is_told_without_what_is_sensitive() {
    let shop = Shop::up().await;
    shop.door.sign_up("secret-ada@example.test").await;
    let mut tail = Tail::begin(&shop, &["--from-beginning", "user.created"]).await;
    let told = tail.until(5).await;
    for fact in &told {
        assert_eq!(fact["data"]["email"], "[redacted]", "{fact}");
    }
    let ada = told.last().expect("five and more");
    assert_eq!(ada["eventType"], "USER_CREATED");
    assert_eq!(ada["data"]["roles"][0], "customer", "{ada}");
    let all = tail.process.output();
    assert!(!all.contains("secret-ada"), "{all}");

    for (arguments, said) in [
        (&["events", "tail", "order.create"][..], "order.created, "),
        (&["events", "tail", "--from-beginning", "x"], "\"x\""),
    ] {
        let (code, printed) = shop.ask_admin(arguments).await;
        assert_eq!(code, 1, "{printed}");
        assert!(printed.contains(said), "{printed}");
    }
    let nowhere = ["events", "tail", "--admin-port", "1"];
    let (code, printed) = stoa(&nowhere, &[]).await;
    assert!(
        code == 1 && printed.contains("--admin-port is"),
        "{printed}"
    );
    for query in [
        "after=order",
        "after=order:x",
        "wait=x",
        "typo=1",
        "topic=x",
    ] {
        let admin = Door::new(shop.admin.clone());
        let refused = admin.get(&format!("/facts?{query}")).await;
        assert_eq!(refused.status, http::StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused.code(), "invalid_argument", "{query}");
    }
}

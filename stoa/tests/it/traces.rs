//! What the log tells of one call, across services.

use serde_json::Value;

use crate::fleet::Fleet;
use crate::shop::{Answer, STOPS_WITHIN, Shop};

const SKU: &str = "LMP-ARC-01";

/// The rpcs that were answered under the id of an answer, in order, with their trace ids.
fn answered(log: &str, answer: &Answer) -> Vec<(String, String)> {
    let id = answer.headers["x-correlation-id"].to_str();
    let id = id.expect("an id is text");
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = lines.filter(|line| line["correlation_id"] == id && line["target"] == "access");
    ours.filter_map(|line| {
        let route = line["route"].as_str()?.rsplit('/').next()?.to_owned();
        Some((route, line["trace_id"].as_str()?.to_owned()))
    })
    .collect()
}

fn check(log: &str, sold: &Answer, short: &Answer) {
    let of = |answer| {
        let lines = answered(log, answer);
        assert!(
            lines.windows(2).all(|pair| pair[0].1 == pair[1].1),
            "one trace: {lines:?}"
        );
        let routes = lines.into_iter().map(|(route, _)| route);
        routes.collect::<Vec<_>>()
    };
    let sold = of(sold);
    let at = |rpc: &str| {
        let found = sold.iter().position(|route| route == rpc);
        found.unwrap_or_else(|| panic!("{rpc} is missing in {sold:?}"))
    };
    assert!(at("CheckAvailability") < at("ReserveStock"));
    assert!(at("ReserveStock") < at("ProcessPayment"), "{sold:?}");
    assert!(at("ProcessPayment") < at("CreateOrder"), "{sold:?}");
    let short = of(short);
    assert!(
        short.iter().any(|route| route == "CheckAvailability"),
        "{short:?}"
    );
    assert!(
        !short.iter().any(|route| route.contains("Payment")),
        "what is short is not paid for: {short:?}"
    );
}

/// row: C1, O2
#[tokio::test]
async fn one_process_tells_one_story_per_call() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let sold = customer.place(SKU, 1, "tok_ok").await;
    let short = customer.place(SKU, 99, "tok_ok").await;
    assert_eq!(
        (sold.code(), short.code()),
        ("ok".into(), "failed_precondition".into())
    );
    check(&shop.log().await, &sold, &short);
}

/// row: C1, O2, G1
#[tokio::test]
async fn seven_processes_tell_the_same_story() {
    let mut fleet = Fleet::start().await;
    let customer = fleet
        .gateway
        .sign_in("customer@stoa.test", "stoa-demo")
        .await;
    let sold = customer.place(SKU, 1, "tok_ok").await;
    let short = customer.place(SKU, 99, "tok_ok").await;
    assert_eq!(
        (sold.code(), short.code()),
        ("ok".into(), "failed_precondition".into())
    );
    let mut lines = Vec::new();
    for process in fleet.processes.values_mut() {
        let log = process.last_words(STOPS_WITHIN).await.expect("it stops");
        lines.extend(log.lines().map(str::to_owned));
    }
    // Each line begins with its time.
    lines.sort_unstable();
    check(&lines.join("\n"), &sold, &short);
}

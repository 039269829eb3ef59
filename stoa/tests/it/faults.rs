//! `stoa fault`: each fault bites, and the shop bears it.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::shop::{Customer, Door, Shop, stoa};

const KEYS: &str = "user.v1.AuthService/GetJwks";
const CREATE: &str = "order.v1.OrderService/CreateOrder";
const SKU: &str = "MUG-STR-01";

/// `stoa fault …` at a running shop.
async fn fault(shop: &Shop, arguments: &[&str]) -> (i32, String) {
    shop.ask_admin(&[&["fault"], arguments].concat()).await
}

async fn set(shop: &Shop, arguments: &[&str]) {
    let (code, printed) = fault(shop, &[&["set"], arguments].concat()).await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains(arguments[0]), "{printed}");
}

async fn clear(shop: &Shop) {
    let (code, printed) = fault(shop, &["clear"]).await;
    assert_eq!(code, 0, "{printed}");
}

/// The end of an order, as its customer sees it.
async fn ended(customer: &Customer, order: &str) -> Value {
    let asked = Instant::now();
    loop {
        let message = json!({"orderId": order});
        let answer = customer
            .door
            .call("order.v1.OrderService/GetOrder", message);
        let order = answer.await.json();
        let status = order["status"].as_str().unwrap_or_default().to_owned();
        if ["CONFIRMED", "REJECTED", "CANCELLED"]
            .iter()
            .any(|end| status.ends_with(end))
        {
            return order;
        }
        assert!(asked.elapsed() < Duration::from_secs(30), "{order}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// row: X8
#[tokio::test]
async fn so_many_calls_fail_as_was_asked_and_the_rest_are_late() {
    let shop = Shop::up().await;
    let keys = || shop.door.call(KEYS, json!({}));
    set(
        &shop,
        &["user.GetJwks", "--code", "unavailable", "--percent", "50"],
    )
    .await;
    let mut codes = Vec::new();
    for _ in 0..10 {
        codes.push(keys().await.code());
    }
    assert_eq!(
        codes.iter().filter(|code| *code == "ok").count(),
        5,
        "{codes:?}"
    );
    assert_eq!(
        codes.iter().filter(|code| *code == "unavailable").count(),
        5
    );
    let (_, listed) = fault(&shop, &["list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed[0]["met"], 5, "{listed}");
    set(&shop, &["user", "--delay", "300ms", "--for", "1h"]).await;
    clear(&shop).await;
    set(&shop, &["user", "--delay", "300ms"]).await;
    let begun = Instant::now();
    assert_eq!(keys().await.code(), "ok");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let (_, cleared) = fault(&shop, &["clear", "user"]).await;
    assert!(cleared.contains("1 taken back"), "{cleared}");
    let (_, none) = fault(&shop, &["list"]).await;
    assert!(none.contains("no faults"), "{none}");
}

/// An answer that is lost after the charge: asked again by its key, it is charged once.
///
/// row: X8, E7
#[tokio::test]
async fn a_lost_answer_of_payment_charges_once() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    set(&shop, &["payment.ProcessPayment", "--drop"]).await;
    let placed = customer.place(SKU, 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{placed:?}");
    let order = placed.json()["order"].clone();
    assert_eq!(order["status"], "ORDER_STATUS_PENDING", "{order}");
    clear(&shop).await;
    let order = ended(&customer, order["id"].as_str().expect("an id")).await;
    assert_eq!(order["status"], "ORDER_STATUS_CONFIRMED", "{order}");
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

/// row: X8, X1
#[tokio::test]
async fn a_process_that_dies_after_its_commit_has_taken_the_order_once() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    set(&shop, &["order.CreateOrder", "--crash", "after-commit"]).await;
    let message = customer.order(SKU, 1, "tok_ok");
    let lost = customer.door.try_call(CREATE, &message, Some("once")).await;
    assert!(lost.is_err(), "{lost:?}");
    let status = shop.process.wait(Duration::from_secs(10)).await;
    assert!(!status.expect("it died").success());
    shop.restart().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let taken = orders(&customer).await;
    assert_eq!(taken.len(), 1, "it was taken before it died: {taken:?}");
    let again = customer.door.try_call(CREATE, &message, Some("once")).await;
    let again = again.expect("an answer comes");
    assert_eq!(again.code(), "ok", "{again:?}");
    let id = again.json()["order"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(taken, [&*id]);
    assert_eq!(orders(&customer).await, taken);
    let order = ended(&customer, &id).await;
    assert_eq!(order["status"], "ORDER_STATUS_CONFIRMED", "{order}");
    let (_, none) = fault(&shop, &["list"]).await;
    assert!(none.contains("no faults"), "a new process has none: {none}");
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

/// The ids of all orders of a customer.
async fn orders(customer: &Customer) -> Vec<String> {
    let message = json!({"userId": customer.id});
    let listed = customer
        .door
        .call("order.v1.OrderService/ListOrders", message)
        .await;
    let listed = listed.json();
    let all = listed["orders"].as_array().cloned().unwrap_or_default();
    let ids = all.iter().filter_map(|order| order["id"].as_str());
    ids.map(str::to_owned).collect()
}

/// Three peers that are 200 ms late each are asked at once.
///
/// row: C2, X8
#[tokio::test]
async fn late_peers_are_late_together() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let fastest = async || {
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let begun = Instant::now();
            let placed = customer.place(SKU, 1, "tok_ok").await;
            assert_eq!(placed.code(), "ok", "{placed:?}");
            fastest = fastest.min(begun.elapsed());
        }
        fastest
    };
    let before = fastest().await;
    for rpc in [
        "inventory.CheckAvailability",
        "pricing.QuoteItems",
        "user.GetProfile",
    ] {
        set(&shop, &[rpc, "--delay", "200ms"]).await;
    }
    let late = fastest().await;
    let expected = Duration::from_millis(200)..Duration::from_millis(500) + before;
    assert!(
        expected.contains(&late),
        "{late:?} after {before:?}: one after another is 600 ms more"
    );
    let (_, listed) = fault(&shop, &["list", "--json"]).await;
    let listed: Vec<Value> = serde_json::from_str(&listed).expect("JSON");
    assert!(listed.iter().all(|fault| fault["met"] == 5), "{listed:?}");
}

/// row: X8
#[tokio::test]
async fn what_cannot_be_a_fault_is_refused_with_what_to_do() {
    let shop = Shop::up().await;
    for (arguments, exit, said) in [
        (
            &["set", "payment.Nothing", "--drop"][..],
            1,
            "payment.ProcessPayment",
        ),
        (&["set", "payment", "--code", "sad"], 1, "no code"),
        (&["set", "payment"], 1, "what is to happen"),
        (
            &["set", "payment", "--drop", "--code", "aborted"],
            2,
            "cannot be used with",
        ),
        (
            &["set", "payment", "--drop", "--percent", "0"],
            2,
            "percent",
        ),
        (&["set", "payment", "--delay", "2h"], 1, "60 s"),
        (&["set", "payment", "--crash", "before"], 2, "after-commit"),
    ] {
        let (code, printed) = fault(&shop, arguments).await;
        assert_eq!(code, exit, "{arguments:?}: {printed}");
        assert!(printed.contains(said), "{arguments:?}: {printed}");
    }
    let (code, printed) = stoa(&["fault", "list", "--admin-port", "1"], &[]).await;
    assert_eq!(code, 1);
    assert!(printed.contains("port + 4000"), "{printed}");
}

/// row: X8
#[tokio::test]
async fn who_takes_back_what_is_not_set_is_shown_what_is() {
    let shop = Shop::up().await;
    let (code, printed) = fault(&shop, &["clear", "user"]).await;
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("no faults are set"), "{printed}");
    set(&shop, &["user.GetJwks", "--delay", "1ms"]).await;
    for typo in ["user", "user.getjwks", "usr", "a b&rpc=user.GetJwks"] {
        let (code, printed) = fault(&shop, &["clear", typo]).await;
        assert_eq!(code, 1, "{typo}: {printed}");
        assert!(printed.contains(&format!("{typo:?}")), "{printed}");
        assert!(printed.contains("user.GetJwks"), "{typo}: {printed}");
    }
    let (code, printed) = fault(&shop, &["clear", "user.GetJwks"]).await;
    assert_eq!((code, printed.trim()), (0, "1 taken back"));
    let (code, printed) = fault(&shop, &["clear"]).await;
    assert_eq!((code, printed.trim()), (0, "0 taken back"), "all of none");
}

/// row: X8
#[tokio::test]
async fn faults_are_no_matter_of_the_public_port() {
    let shop = Shop::up().await;
    let port = shop.door.origin.rsplit(':').next().expect("a port");
    for arguments in [
        &["list"][..],
        &["clear"],
        &["set", "user", "--delay", "1ms"],
    ] {
        let all = [&["fault"], arguments, &["--admin-port", port]].concat();
        let (code, printed) = stoa(&all, &[]).await;
        assert_eq!(code, 1, "{arguments:?}: {printed}");
        for said in ["no admin listener", "--admin-port", "port + 4000"] {
            assert!(printed.contains(said), "{arguments:?}: {printed}");
        }
    }
}

/// A page of a site whose name leads to this machine is taken for that site's by its browser.
///
/// row: X8
#[tokio::test]
async fn nobody_reaches_the_admin_pages_by_another_name() {
    let shop = Shop::up().await;
    let admin = Door::new(shop.admin.clone());
    for (host, status) in [
        ("x.evil.test:9090", 403),
        ("localhost:1", 200),
        ("[::1]", 200),
    ] {
        for path in ["/faults", "/metrics"] {
            let answer = admin.fetch(Method::GET, path, &[("host", host)]).await;
            assert_eq!(answer.status, status, "{path} at {host}");
        }
    }
}

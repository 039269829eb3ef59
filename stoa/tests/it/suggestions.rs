//! What pages suggest, from an order to a shelf, in one process and in many.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::fleet::Fleet;
use crate::shop::{Customer, Door, Shop};

const MUG: &str = "MUG-STR-01";
const LAMP: &str = "LMP-ARC-01";
const OTHER_LAMP: &str = "LMP-ARC-02";
/// By when a page suggests what was bought.
const SEEN_MAX: Duration = Duration::from_secs(1);
/// By when it does once what was away is back.
const BACK_MAX: Duration = Duration::from_secs(10);
/// Until a page is there that does not ask it.
const LEFT_ALONE_MAX: Duration = Duration::from_millis(500);
/// What a page waits for suggestions, and is made in besides on a busy machine.
const PART_MAX: Duration = Duration::from_millis(1000 + 1000);

async fn ask(door: &Door, rpc: &str, message: Value) -> Value {
    let answer = door.call(rpc, message).await;
    assert_eq!(answer.code(), "ok", "{rpc}: {:?}", answer.bytes);
    answer.json()
}

/// The cards of a page's shelf by their SKUs, and the parts that it lacks.
async fn shelf(door: &Door, page: &str, message: Value, shelf: &str) -> (Vec<String>, Vec<String>) {
    let rpc = format!("bff.web.v1.WebService/{page}");
    let page = ask(door, &rpc, message).await;
    let cards = page[shelf].as_array().cloned().unwrap_or_default();
    let sku = |card: &Value| {
        for field in ["productId", "name", "imageUrl"] {
            assert!(card[field].is_string(), "{card} has no {field}");
        }
        assert!(card["price"].is_object(), "{card} has no price");
        card["sku"].as_str().expect("a SKU").to_owned()
    };
    let missing = page["degraded"].as_array().cloned().unwrap_or_default();
    let missing = missing.iter().filter_map(Value::as_str).map(str::to_owned);
    (cards.iter().map(sku).collect(), missing.collect())
}

/// What is suggested beside a product.
async fn beside(door: &Door, sku: &str) -> (Vec<String>, Vec<String>) {
    shelf(door, "GetProductPage", json!({"sku": sku}), "suggestions").await
}

/// What the front page recommends.
async fn at_home(door: &Door) -> (Vec<String>, Vec<String>) {
    shelf(door, "GetHome", json!({}), "recommendations").await
}

/// Buys one piece of each.
async fn buy(customer: &Customer, skus: &[&str]) {
    let items: Vec<_> = skus
        .iter()
        .map(|sku| json!({"sku": sku, "quantity": 1}))
        .collect();
    let mut order = customer.order("", 1, "tok_ok");
    order["items"] = json!(items);
    let placed = ask(&customer.door, "order.v1.OrderService/CreateOrder", order).await;
    assert_eq!(placed["order"]["status"], "ORDER_STATUS_CONFIRMED");
}

/// Waits until a page without missing parts suggests these first.
async fn until_beside(door: &Door, sku: &str, first: &[&str], within: Duration) {
    let begun = Instant::now();
    loop {
        let (skus, missing) = beside(door, sku).await;
        if missing.is_empty()
            && skus.iter().zip(first).all(|(a, b)| a == b)
            && skus.len() >= first.len()
        {
            return;
        }
        let is_late = begun.elapsed() >= within;
        assert!(!is_late, "{sku}: {skus:?}, {missing:?}, not {first:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Nobody asks anybody for it: an order is told, and a moment later it is on the shelves.
///
/// row: D17, AP4, X5
#[tokio::test]
async fn what_was_bought_together_is_suggested_and_outlives_a_kill() {
    let mut shop = Shop::up().await;
    let door = shop.door.clone();
    assert_eq!(
        beside(&door, MUG).await,
        (vec![], vec![]),
        "nothing is known yet"
    );
    assert_eq!(at_home(&door).await, (vec![], vec![]));
    let ada = door.sign_up("ada@example.test").await;
    let bob = door.sign_up("bob@example.test").await;
    buy(&ada, &[MUG, LAMP]).await;
    until_beside(&door, MUG, &[LAMP], SEEN_MAX).await;
    until_beside(&bob.door, LAMP, &[MUG], SEEN_MAX).await;
    buy(&bob, &[OTHER_LAMP, MUG]).await;
    until_beside(&door, OTHER_LAMP, &[MUG, LAMP], SEEN_MAX).await;
    assert_eq!(
        beside(&door, MUG).await.0,
        [LAMP, OTHER_LAMP],
        "by SKU, and not itself"
    );
    assert_eq!(
        at_home(&door).await.0,
        [MUG, LAMP, OTHER_LAMP],
        "the best sellers"
    );
    assert_eq!(
        at_home(&ada.door).await.0,
        [OTHER_LAMP],
        "nothing that she has"
    );
    assert_eq!(at_home(&bob.door).await.0, [LAMP]);

    buy(&bob, &[LAMP, MUG]).await;
    shop.process.kill();
    shop.restart().await;
    let door = shop.door.clone();
    until_beside(&door, MUG, &[LAMP, OTHER_LAMP], SEEN_MAX).await;
    let twice = json!({"sku": MUG, "limit": 1});
    let rpc = "recommendation.v1.RecommendationService/GetSuggestions";
    let mut person = door.clone();
    person.token.clone_from(&bob.door.token);
    let begun = Instant::now();
    while ask(&person, rpc, twice.clone()).await["items"][0]["score"] != 2.0 {
        assert!(begun.elapsed() < SEEN_MAX, "the last order was lost");
        sleep(Duration::from_millis(10)).await;
    }

    // In one process, too, a page waits for its own part and no longer.
    for fault in [["--delay", "5s"], ["--code", "internal"]] {
        let set = [&["fault", "set", "recommendation"][..], &fault].concat();
        let (code, printed) = shop.ask_admin(&set).await;
        assert_eq!(code, 0, "{printed}");
        let begun = Instant::now();
        let missing = vec!["recommendation".to_owned()];
        assert_eq!(beside(&door, MUG).await, (vec![], missing), "{fault:?}");
        assert!(
            begun.elapsed() < PART_MAX,
            "{fault:?}: {:?}",
            begun.elapsed()
        );
        let (code, printed) = shop.ask_admin(&["fault", "clear"]).await;
        assert_eq!(code, 0, "{printed}");
    }

    // What is not sold any more is no card, whoever hears of it first.
    let operator = door.sign_in("operator@stoa.test", "stoa-demo").await;
    let rpc = "catalog.v1.CatalogService/BatchGetProducts";
    let found = ask(&operator.door, rpc, json!({"skus": [LAMP]})).await;
    let id = json!({"id": found["products"][0]["id"]});
    ask(
        &operator.door,
        "catalog.v1.CatalogService/DeleteProduct",
        id,
    )
    .await;
    assert_eq!(
        beside(&door, MUG).await,
        (vec![OTHER_LAMP.to_owned()], vec![])
    );
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

/// What staff call a test sells nothing.
///
/// row: X18, D17
#[tokio::test]
async fn an_order_that_is_a_test_is_suggested_to_nobody() {
    let shop = Shop::up().await;
    let support = shop.door.sign_in("support@stoa.test", "stoa-demo").await;
    let mut order = support.order("", 1, "tok_ok");
    order["items"] = json!([{"sku": MUG, "quantity": 1}, {"sku": LAMP, "quantity": 1}]);
    let create = crate::wires::rpc("order.v1.OrderService/CreateOrder");
    let mark = [("baggage", "synthetic=true")];
    let placed = crate::wires::WIRES[0]
        .call(&support.door, &create, &order, &mark)
        .await;
    assert_eq!(placed.code, "ok", "{placed:?}");
    // By another one behind it one knows that it was heard.
    let ada = shop.door.sign_up("ada@example.test").await;
    buy(&ada, &[MUG, OTHER_LAMP]).await;
    until_beside(&shop.door, MUG, &[OTHER_LAMP], SEEN_MAX).await;
    assert_eq!(beside(&shop.door, MUG).await.0, [OTHER_LAMP]);
    assert_eq!(beside(&shop.door, LAMP).await.0, [OTHER_LAMP, MUG]);
}

/// Whatever becomes of it, the shop sells on: pages say what they lack, no later than the part may take, and what was
/// bought meanwhile is counted when it is back.
///
/// row: D17, C3, C4, X5, R3, AP4
#[tokio::test]
async fn the_shop_sells_on_without_suggestions() {
    let broker = testkit::nats::broker().await;
    let mut fleet = Fleet::start_with(&[("STOA_BUS", &broker.url())]).await;
    let gateway = fleet.gateway.clone();
    let ada = gateway.sign_up("ada@example.test").await;
    buy(&ada, &[MUG, LAMP]).await;
    until_beside(&gateway, MUG, &[LAMP], BACK_MAX).await;

    // It hangs: each page waits for its own part and no longer, and after five none does.
    let missing = vec!["recommendation".to_owned()];
    fleet.processes["recommendation"].pause();
    for door in [&gateway, &ada.door] {
        for page in ["home", "product"] {
            let begun = Instant::now();
            let (skus, said) = match page {
                "home" => at_home(door).await,
                _ => beside(door, MUG).await,
            };
            let took = begun.elapsed();
            assert_eq!((skus, &said), (vec![], &missing), "{page}");
            assert!(took < PART_MAX, "{page} took {took:?}");
        }
    }
    let mut waits = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        assert_eq!(beside(&gateway, MUG).await, (vec![], missing.clone()));
        waits.push(begun.elapsed());
    }
    let least = waits.iter().min().expect("there are three");
    assert!(*least < LEFT_ALONE_MAX, "{waits:?}");
    fleet.processes["recommendation"].resume();
    until_beside(&gateway, MUG, &[LAMP], BACK_MAX).await;

    // It dies: so does nobody else, and soon nobody asks it any more.
    fleet
        .processes
        .get_mut("recommendation")
        .expect("it runs")
        .kill();
    let admin = fleet.admin("gateway").await;
    for _ in 0..6 {
        assert_eq!(beside(&gateway, MUG).await, (vec![], missing.clone()));
    }
    let text = admin.get("/metrics").await.bytes;
    let text = String::from_utf8_lossy(&text).into_owned();
    for line in [
        "circuit_state{target=\"recommendation\"} 1",
        "circuit_state{target=\"inventory\"} 0",
        "circuit_state{target=\"catalog\"} 0",
    ] {
        assert!(text.lines().any(|shown| shown == line), "no {line}");
    }
    assert_eq!(at_home(&ada.door).await, (vec![], missing));
    buy(&ada, &[OTHER_LAMP, MUG]).await;

    fleet.launch("recommendation");
    fleet.wait_ready("recommendation").await;
    until_beside(&gateway, MUG, &[LAMP, OTHER_LAMP], BACK_MAX).await;
    until_beside(&gateway, OTHER_LAMP, &[MUG, LAMP], BACK_MAX).await;
    let ready = fleet.admin("recommendation").await.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK, "{:?}", ready.bytes);
    let (code, printed) = fleet.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

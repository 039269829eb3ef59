//! What lists of orders call those who bought.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::shop::{Answer, Customer, STOPS_WITHIN, Shop};

const SEEN_MAX: Duration = Duration::from_secs(1);
/// By when a name is seen once what was away is back.
const BACK_MAX: Duration = Duration::from_secs(10);

/// A name that changes is shown within a second, and one that changed right before a kill -9 after the next start,
/// though the order service asks nobody.
///
/// row: E11
#[tokio::test]
async fn a_list_of_orders_shows_what_its_customer_is_called_now() {
    let mut shop = Shop::up().await;
    let mut ada = shop.door.sign_up("ada@example.test").await;
    let placed = ada.place("LMP-ARC-01", 2, "tok_ok").await;
    assert_eq!(placed.json()["order"]["status"], "ORDER_STATUS_CONFIRMED");
    let listed = list(&ada).await;
    assert_eq!(
        (&listed["userId"], &listed["itemCount"]),
        (&json!(ada.id), &json!(2))
    );
    assert_eq!(listed.get("userName"), None, "nobody was told a name yet");

    for name in ["Ada", "Ada Lovelace", ""] {
        rename(&ada, name).await;
        let renamed = Instant::now();
        while shown(&ada).await != name {
            assert!(renamed.elapsed() < SEEN_MAX, "{name:?} is not shown");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    rename(&ada, "Countess").await;
    shop.process.kill();
    shop.restart().await;
    ada.door.token.clone_into(&mut shop.door.token);
    ada.door = shop.door.clone();
    let restarted = Instant::now();
    while shown(&ada).await != "Countess" {
        assert!(restarted.elapsed() < SEEN_MAX, "the last name was lost");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Between processes it is the broker that brings names: it is not there when the processes start, and dies later.
///
/// row: E11, O2, O11, R-21, X19
#[tokio::test]
async fn a_list_of_orders_hears_of_names_over_a_broker() {
    let mut broker = testkit::nats::broker().await;
    broker.kill();
    let mut fleet = Fleet::start_with(&[("STOA_BUS", &broker.url())]).await;
    let ada = fleet.gateway.sign_up("ada@example.test").await;
    let placed = ada.place("LMP-ARC-01", 2, "tok_ok").await;
    assert_eq!(placed.json()["order"]["status"], "ORDER_STATUS_CONFIRMED");
    rename(&ada, "Ada").await;
    assert_eq!(shown(&ada).await, "", "nobody brings it");
    for (service, component) in WORKERS {
        let absent = Instant::now();
        let note = loop {
            if let Some(note) = note(&mut fleet, service, component).await {
                break note;
            }
            assert!(absent.elapsed() < BACK_MAX, "{component} waits for nothing");
        };
        assert!(note.contains("facts of user wait"), "{note}");
    }
    broker.start().await;
    is_shown(&ada, "Ada", BACK_MAX).await;
    for (service, component) in WORKERS {
        let back = Instant::now();
        while let Some(note) = note(&mut fleet, service, component).await {
            assert!(back.elapsed() < BACK_MAX, "{component}: {note}");
        }
    }
    let mut renamed = Vec::new();
    for name in ["Ada Lovelace", ""] {
        renamed.push(rename(&ada, name).await);
        is_shown(&ada, name, SEEN_MAX).await;
    }

    // Whoever dies, what was told is heard.
    rename(&ada, "Countess").await;
    broker.kill();
    fleet.restart_with("user", &[]).await;
    broker.start().await;
    is_shown(&ada, "Countess", BACK_MAX).await;

    let order = fleet.processes.get_mut("order").expect("it runs");
    let log = order.last_words(STOPS_WITHIN).await.expect("it stops");
    for told in renamed {
        heard_once(&log, &told);
    }
}

/// Who hears a fact says so in one line, under the ids of the call that told it.
fn heard_once(log: &str, told: &Answer) {
    let id = told.headers["x-correlation-id"].to_str().expect("text");
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours: Vec<Value> = lines
        .filter(|line| line["correlation_id"] == id && line["topic"] == "user.updated")
        .collect();
    let [line] = &ours[..] else {
        panic!("one line: {ours:?}");
    };
    assert_eq!(
        (&line["service"], &line["group"], &line["result"]),
        (&json!("order"), &json!("order-views"), &json!("heard"))
    );
    let trace_id = line["trace_id"].as_str().expect("it has a trace");
    assert_eq!(trace_id.len(), 32, "{line}");
}

/// Who brings names: the service, and its component.
const WORKERS: [(&str, &str); 2] = [("user", "relay"), ("order", "order-views")];

/// What a component has to say that is well.
async fn note(fleet: &mut Fleet, service: &'static str, component: &str) -> Option<String> {
    let told = fleet.admin(service).await.get("/readyz").await;
    assert_eq!(told.status, http::StatusCode::OK, "{:?}", told.bytes);
    let told = told.json();
    let all = told["components"].as_array().expect("components");
    let found = all.iter().find(|found| found["name"] == component);
    let note = &found.expect("it is one of them")["note"];
    note.as_str().map(str::to_owned)
}

async fn is_shown(customer: &Customer, name: &str, within: Duration) {
    let renamed = Instant::now();
    while shown(customer).await != name {
        assert!(renamed.elapsed() < within, "{name:?} is not shown");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn rename(customer: &Customer, name: &str) -> Answer {
    let message = json!({"id": customer.id, "name": name});
    let rpc = "user.v1.UserService/UpdateUser";
    let renamed = customer.door.call(rpc, message).await;
    assert_eq!(renamed.status, http::StatusCode::OK, "{:?}", renamed.bytes);
    renamed
}

async fn list(customer: &Customer) -> Value {
    let message = json!({"userId": customer.id});
    let rpc = "order.v1.OrderService/ListOrders";
    let listed = customer.door.call(rpc, message).await;
    listed.json()["orders"][0].clone()
}

async fn shown(customer: &Customer) -> String {
    let order = list(customer).await;
    order["userName"].as_str().unwrap_or_default().to_owned()
}

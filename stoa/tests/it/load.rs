//! Everybody wants the same thing at once.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::crash::journal::{is_passing, order_of};
use crate::crash::plan::{Engine, Shape};
use crate::crash::system::System;
use crate::shop::{Customer, Door};

const SKU: &str = "MUG-STR-01";
const PIECES: i64 = 50;
const TASKS: usize = 20;
const CHECKOUTS: usize = 10;
/// Until every order has come to its end.
const SETTLED_MAX: Duration = Duration::from_secs(60);

/// row: R-08, I1, C1
#[tokio::test]
async fn the_last_pieces_are_sold_once_on_sqlite() {
    scramble(Engine::Sqlite).await;
}

/// row: R-08, I1, E13
#[tokio::test]
async fn the_last_pieces_are_sold_once_on_postgresql() {
    scramble(Engine::Postgres).await;
}

/// 200 checkouts of one SKU with 50 pieces: 50 get one.
async fn scramble(engine: Engine) {
    let system = System::start(Shape::Up, engine, &[]).await;
    let operator = system
        .door()
        .sign_in("operator@stoa.test", "stoa-demo")
        .await;
    let level = stock(&operator).await;
    let message =
        json!({"sku": SKU, "delta": PIECES - number(&level["available"]), "reason": "count"});
    let adjusted = operator
        .door
        .call("inventory.v1.InventoryService/AdjustStock", message)
        .await;
    assert_eq!(adjusted.code(), "ok", "{:?}", adjusted.bytes);
    let people = join_all((0..4).map(|person| sign_up(system.door(), person))).await;

    let tasks = (0..TASKS).map(|task| {
        let customer = people[task % people.len()].clone();
        tokio::spawn(async move { buy(&customer, task).await })
    });
    let mut orders = Vec::new();
    for (task, bought) in join_all(tasks).await.into_iter().enumerate() {
        let customer = &people[task % people.len()];
        let bought = bought.expect("no task panics");
        orders.extend(bought.into_iter().map(|order| (customer, order)));
    }
    let ends = join_all(orders.iter().map(|(customer, order)| end(customer, order))).await;
    let confirmed = ends.iter().filter(|end| *end == "ORDER_STATUS_CONFIRMED");
    assert_eq!(
        i64::try_from(confirmed.count()).ok(),
        Some(PIECES),
        "{ends:?}"
    );
    let level = stock(&operator).await;
    assert_eq!(number(&level["available"]), 0, "{level}");
    assert_eq!(number(&level["reserved"]), 0, "{level}");
    let (code, printed) = system.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
}

async fn sign_up(door: &Door, person: usize) -> Customer {
    door.sign_up(&format!("buyer-{person}@example.test")).await
}

/// Buys piece after piece; the ids of the orders that were accepted.
async fn buy(customer: &Customer, task: usize) -> Vec<String> {
    let message = customer.order(SKU, 1, "tok_ok");
    let mut orders = Vec::new();
    for checkout in 0..CHECKOUTS {
        let key = format!("scramble-{task}-{checkout}");
        let until = Instant::now() + SETTLED_MAX;
        let answer = loop {
            let answer = customer
                .door
                .try_call("order.v1.OrderService/CreateOrder", &message, Some(&key))
                .await
                .expect("the shop answers everybody");
            // Shed or aborted callers may come again; a fault of ours may not be.
            assert!(answer.status.as_u16() < 500, "{:?}", answer.bytes);
            if !is_passing(&answer.code()) {
                break answer;
            }
            assert!(Instant::now() < until, "shed for ever");
            sleep(Duration::from_millis(50)).await;
        };
        match answer.code().as_str() {
            "ok" | "failed_precondition" => orders.extend(order_of(&answer)),
            other => panic!("{other}: {:?}", answer.bytes),
        }
    }
    orders
}

/// The status at which an order comes to rest, or why it was refused.
async fn end(customer: &Customer, order: &str) -> String {
    let until = Instant::now() + SETTLED_MAX;
    loop {
        let read = customer
            .door
            .call("order.v1.OrderService/GetOrder", json!({"orderId": order}));
        let read = read.await.json();
        let status = read["status"].as_str().expect("an order has a status");
        if ["CONFIRMED", "REJECTED"]
            .iter()
            .any(|end| status.ends_with(end))
        {
            let why = read["endReason"].as_str();
            return why.unwrap_or(status).to_owned();
        }
        assert!(Instant::now() < until, "{order} is still {status}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn stock(operator: &Customer) -> Value {
    let answer = operator
        .door
        .call(
            "inventory.v1.InventoryService/GetStockLevel",
            json!({"sku": SKU}),
        )
        .await;
    assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
    answer.json()["level"].clone()
}

/// An int64 in JSON: a string, or absent when it is 0.
fn number(value: &Value) -> i64 {
    value
        .as_str()
        .map_or(0, |text| text.parse().expect("an int64"))
}

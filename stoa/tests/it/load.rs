//! Everybody wants the same thing at once.

use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::crash::journal::{is_passing, order_of};
use crate::crash::plan::{Engine, Shape};
use crate::crash::system::System;
use crate::shop::{Customer, Door};

const SKU: &str = "MUG-STR-01";
const CONFIRMED: &str = "ORDER_STATUS_CONFIRMED";
/// Until every order has come to its end, and until a shed checkout is let in.
const SETTLED_MAX: Duration = Duration::from_secs(60);
/// Orders asked for their end at once.
const ASKED_AT_ONCE: usize = 16;

/// How many want how much of what there is.
struct Scramble {
    tasks: usize,
    checkouts: usize,
    pieces: usize,
}

/// As many at once as the row says, each of them a tenth as often.
const SMALL: Scramble = Scramble {
    checkouts: 20,
    pieces: 100,
    ..FULL
};

const FULL: Scramble = Scramble {
    tasks: 50,
    checkouts: 200,
    pieces: 1_000,
};

/// row: R-08, I1, C1
#[tokio::test]
async fn the_last_pieces_are_sold_once_on_sqlite() {
    SMALL.run(Engine::Sqlite).await;
}

/// row: R-08, I1, E13
#[tokio::test]
async fn the_last_pieces_are_sold_once_on_postgresql() {
    SMALL.run(Engine::Postgres).await;
}

/// row: R-08, I1, C1
#[tokio::test]
#[ignore = "minutes: just full"]
async fn at_full_size_the_last_pieces_are_sold_once_on_sqlite() {
    FULL.run(Engine::Sqlite).await;
}

/// row: R-08, I1, E13
#[tokio::test]
#[ignore = "minutes: just full"]
async fn at_full_size_the_last_pieces_are_sold_once_on_postgresql() {
    FULL.run(Engine::Postgres).await;
}

impl Scramble {
    /// Everybody buys piece after piece of one SKU: as many are sold as there are.
    async fn run(&self, engine: Engine) {
        let system = System::start(Shape::Up, engine, &[]).await;
        let operator = system
            .door()
            .sign_in("operator@stoa.test", "stoa-demo")
            .await;
        put_in_stock(&operator, self.pieces).await;
        let people = join_all((0..4).map(|person| sign_up(system.door(), person))).await;

        let begun = Instant::now();
        let tasks = (0..self.tasks).map(|task| {
            let customer = people[task % people.len()].clone();
            let checkouts = self.checkouts;
            tokio::spawn(async move { buy(&customer, task, checkouts).await })
        });
        let (mut orders, mut refused, mut shed) = (Vec::new(), 0, 0);
        for (task, bought) in join_all(tasks).await.into_iter().enumerate() {
            let customer = &people[task % people.len()];
            let bought = bought.expect("no task panics");
            let accepted = bought.orders.into_iter();
            orders.extend(accepted.map(|order| (customer, order)));
            refused += bought.refused;
            shed += bought.shed;
        }
        let bought = begun.elapsed();
        assert_eq!(orders.len() + refused, self.tasks * self.checkouts);
        let ends = stream::iter(&orders).map(|(customer, order)| end(customer, order));
        let ends: Vec<String> = ends.buffer_unordered(ASKED_AT_ONCE).collect().await;
        let sold = ends.iter().filter(|end| *end == CONFIRMED).count();
        println!(
            "{engine:?}: {} checkouts in {bought:?}: {sold} sold, {} rejected, {refused} refused; \
             {shed} answers were shed and asked again",
            self.tasks * self.checkouts,
            ends.len() - sold,
        );
        assert_eq!(sold, self.pieces);
        let level = stock(&operator).await;
        assert_eq!(number(&level["available"]), 0, "{level}");
        assert_eq!(number(&level["reserved"]), 0, "{level}");
        let (code, printed) = system.stoa(&["audit", "--settle", "10"]).await;
        assert_eq!(code, 0, "{printed}");
    }
}

async fn sign_up(door: &Door, person: usize) -> Customer {
    door.sign_up(&format!("buyer-{person}@example.test")).await
}

/// What became of one task's checkouts.
#[derive(Default)]
struct Bought {
    /// The orders that were accepted.
    orders: Vec<String>,
    /// Checkouts that were plainly short, and made no order.
    refused: usize,
    /// Answers that asked to come again.
    shed: usize,
}

/// Buys piece after piece.
async fn buy(customer: &Customer, task: usize, checkouts: usize) -> Bought {
    let message = customer.order(SKU, 1, "tok_ok");
    let mut bought = Bought::default();
    for checkout in 0..checkouts {
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
            bought.shed += 1;
            assert!(Instant::now() < until, "shed for ever");
            sleep(Duration::from_millis(50)).await;
        };
        match (answer.code().as_str(), order_of(&answer)) {
            ("ok" | "failed_precondition", Some(order)) => bought.orders.push(order),
            ("failed_precondition", None) => {
                assert_eq!(answer.json()["message"], "Out of stock");
                bought.refused += 1;
            }
            other => panic!("{other:?}: {:?}", answer.bytes),
        }
    }
    bought
}

/// The status at which an order comes to rest.
async fn end(customer: &Customer, order: &str) -> String {
    let until = Instant::now() + SETTLED_MAX;
    loop {
        let read = customer
            .door
            .call("order.v1.OrderService/GetOrder", json!({"orderId": order}));
        let read = read.await.json();
        let status = read["status"].as_str().expect("an order has a status");
        match (status, read["endReason"].as_str()) {
            (CONFIRMED, None) | ("ORDER_STATUS_REJECTED", Some("END_REASON_OUT_OF_STOCK")) => {
                return status.to_owned();
            }
            ("ORDER_STATUS_PENDING" | "ORDER_STATUS_PAID", None) => {}
            other => panic!("{order} is {other:?}"),
        }
        assert!(Instant::now() < until, "{order} is still {status}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Sets what there is of the one SKU.
async fn put_in_stock(operator: &Customer, pieces: usize) {
    let level = stock(operator).await;
    let pieces = i64::try_from(pieces).expect("a few pieces");
    let message =
        json!({"sku": SKU, "delta": pieces - number(&level["available"]), "reason": "count"});
    let adjusted = operator
        .door
        .call("inventory.v1.InventoryService/AdjustStock", message)
        .await;
    assert_eq!(adjusted.code(), "ok", "{:?}", adjusted.bytes);
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

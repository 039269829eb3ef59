//! `kill -9` in the middle of checkouts: every order a customer was told of
//! ends, once, and nothing is forgotten.
//!
//! Customers place orders, ten at a time, each under a key of its own; at a
//! random moment the process dies and is started again; who got no answer asks
//! again under the same key. What was told goes into a history that the auditor
//! holds against the databases. `CRASH_CHECKOUTS=500` runs longer.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use clock::Clock;
use futures::future::join_all;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, Query};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::shop::{Answer, Customer, Shop};

const METHOD: &str = "order.v1.OrderService/CreateOrder";
/// Checkouts under way when the process dies.
const AT_ONCE: usize = 10;
/// From the restart to the end of every order that was under way.
const TERMINAL_MAX: Duration = Duration::from_secs(10);
/// How long a customer asks again before giving up on the shop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for a step to be tried, short enough to see its end.
const STEP_BUDGET: (&str, &str) = ("STOA_ORDER__STEP_BUDGET_SECONDS", "3");

/// row: E9, R-01, R-02, I3, I8, I9, S-16, X16
#[tokio::test]
async fn one_process_on_sqlite_survives_kill_9() {
    let mut shop = Shop::up_with(&[(STEP_BUDGET.0, STEP_BUDGET.1.to_owned())]).await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let mut story = Story::new(customer);
    for _ in 0..rounds() {
        story.batch_until(kill_at_random(&mut shop)).await;
        story.finish().await;
    }
    let (code, printed) = story
        .audit_with(async |arguments| shop.stoa(arguments).await)
        .await;
    assert_eq!(code, 0, "{printed}");
    story.report("one process, SQLite");
}

/// row: E9, E13, R-01, R-02
#[tokio::test]
async fn one_process_on_postgresql_survives_kill_9() {
    let server = testkit::postgres::durable().await;
    let mut variables = vec![(STEP_BUDGET.0, STEP_BUDGET.1.to_owned())];
    for (name, service) in DATABASES {
        make_database(&server, service).await;
        variables.push((name, server.url(service)));
    }
    let mut shop = Shop::up_with(&variables).await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let mut story = Story::new(customer);
    for _ in 0..rounds() {
        story.batch_until(kill_at_random(&mut shop)).await;
        story.finish().await;
    }
    let (code, printed) = story
        .audit_with(async |arguments| shop.stoa(arguments).await)
        .await;
    assert_eq!(code, 0, "{printed}");
    story.report("one process, PostgreSQL");
}

/// row: E9, R-02
#[tokio::test]
async fn the_order_payment_and_inventory_processes_survive_kill_9() {
    let mut fleet = Fleet::start_with(&[STEP_BUDGET]).await;
    let customer = fleet
        .gateway
        .sign_in("customer@stoa.test", "stoa-demo")
        .await;
    let mut story = Story::new(customer);
    for _ in 0..rounds() {
        story
            .batch_until(async {
                let victim = ["order", "order", "payment", "inventory"][usize::from(random() % 4)];
                tokio::time::sleep(Duration::from_millis(u64::from(random() % 120))).await;
                fleet.processes.get_mut(victim).expect("it runs").kill();
                fleet.launch(victim);
                fleet.wait_ready(victim).await;
            })
            .await;
        story.finish().await;
    }
    let (code, printed) = story
        .audit_with(async |arguments| fleet.stoa(arguments).await)
        .await;
    assert_eq!(code, 0, "{printed}");
    story.report("seven processes, SQLite");
}

/// The sabotaged form: what a saga that lives in memory alone would lose at
/// each death is taken out of the database. The auditor must say so.
///
/// row: E9, R-02
#[tokio::test]
async fn a_saga_that_is_forgotten_turns_the_audit_red() {
    let mut shop = Shop::up_with(&[(STEP_BUDGET.0, STEP_BUDGET.1.to_owned())]).await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let story = Story::new(customer);
    // A slow payment is still under way when the process dies.
    let orders = (0..AT_ONCE).map(|number| story.place(number, "tok_slow"));
    let dying = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        shop.process.kill();
    };
    let _ = tokio::join!(join_all(orders), dying);
    forget_sagas(&shop.data).await;
    shop.restart().await;
    let (code, printed) = shop.stoa(&["audit", "--settle", "3"]).await;
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("I3: order"), "{printed}");
}

/// A process dies at a random moment within a checkout's usual time, and comes
/// back.
async fn kill_at_random(shop: &mut Shop) {
    tokio::time::sleep(Duration::from_millis(u64::from(random() % 120))).await;
    shop.process.kill();
    shop.restart().await;
}

fn random() -> u8 {
    Clock::system().random::<1>()[0]
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's size is no configuration of the product"
)]
fn rounds() -> usize {
    let wanted = std::env::var("CRASH_CHECKOUTS")
        .ok()
        .and_then(|text| text.parse().ok());
    wanted.unwrap_or(100_usize).div_ceil(AT_ONCE)
}

const DATABASES: [(&str, &str); 6] = [
    ("STOA_USER__DATABASE_URL", "user_db"),
    ("STOA_CATALOG__DATABASE_URL", "catalog_db"),
    ("STOA_PRICING__DATABASE_URL", "pricing_db"),
    ("STOA_INVENTORY__DATABASE_URL", "inventory_db"),
    ("STOA_ORDER__DATABASE_URL", "order_db"),
    ("STOA_PAYMENT__DATABASE_URL", "payment_db"),
];

async fn make_database(server: &testkit::postgres::Server, name: &str) {
    let admin = sea_orm::Database::connect(server.url("postgres"))
        .await
        .expect("the server runs");
    let statement = format!("create database {name}");
    admin
        .execute_unprepared(&statement)
        .await
        .expect("the name is free");
    admin.close().await.expect("it closes");
}

async fn forget_sagas(data: &Path) {
    let file = data.join("order.db");
    let config = store::Config::sqlite(&file);
    let db = store::Database::connect("order", &config)
        .await
        .expect("the file is there");
    let mut update = Query::update();
    update.table(Alias::new("sagas")).value(
        Alias::new("lease_until"),
        Expr::value(None::<chrono::DateTime<chrono::Utc>>),
    );
    let txn = db.begin_write().await.expect("nobody else writes");
    txn.execute(&update).await.expect("the table is there");
    txn.commit().await.expect("it commits");
    db.close().await.expect("it closes");
}

/// A customer's attempts, and all that they were told.
struct Story {
    customer: Customer,
    history: PathBuf,
    _folder: tempfile::TempDir,
    /// Attempts of this round without an answer that says how it ends.
    open: Vec<Attempt>,
    placed: usize,
    restarted: Instant,
    ended_after: Vec<Duration>,
}

#[derive(Clone)]
struct Attempt {
    key: String,
    message: Value,
}

impl Story {
    fn new(customer: Customer) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let history = folder.path().join("history.jsonl");
        Self {
            customer,
            history,
            _folder: folder,
            open: Vec::new(),
            placed: 0,
            restarted: Instant::now(),
            ended_after: Vec::new(),
        }
    }

    fn attempt(&self, number: usize, method: &str) -> Attempt {
        // Two SKUs with plenty of stock, and one that runs out.
        let sku = ["MUG-STR-01", "LMP-ARC-02", "LMP-ARC-01"][number % 3];
        Attempt {
            key: format!("attempt-{number}"),
            message: self.customer.order(sku, 1, method),
        }
    }

    async fn place(&self, number: usize, method: &str) -> Option<Answer> {
        let Attempt { key, message } = self.attempt(number, method);
        self.customer
            .door
            .try_call(METHOD, &message, Some(&key))
            .await
            .ok()
    }

    /// Places a batch while `dying` happens; who was answered wrote it down.
    async fn batch_until(&mut self, dying: impl Future<Output = ()>) {
        let methods = [
            "tok_ok",
            "tok_ok",
            "tok_ok",
            "tok_declined",
            "tok_unavailable",
        ];
        let batch: Vec<Attempt> = (self.placed..self.placed + AT_ONCE)
            .map(|number| self.attempt(number, methods[number % methods.len()]))
            .collect();
        self.placed += AT_ONCE;
        let asking = batch.iter().map(|attempt| self.ask(attempt));
        let (answers, ()) = tokio::join!(join_all(asking), dying);
        self.restarted = Instant::now();
        for (attempt, answer) in batch.iter().zip(answers) {
            if let Some(answer) = answer {
                self.note(attempt, &answer);
            }
        }
        self.open = batch;
    }

    async fn ask(&self, attempt: &Attempt) -> Option<Answer> {
        self.customer
            .door
            .try_call(METHOD, &attempt.message, Some(&attempt.key))
            .await
            .ok()
    }

    /// Asks again under the same keys until every attempt of the round has an
    /// answer and every order an end.
    async fn finish(&mut self) {
        let open = std::mem::take(&mut self.open);
        let ends = join_all(open.iter().map(|attempt| self.follow(attempt))).await;
        for (attempt, (answer, after)) in open.iter().zip(ends) {
            self.note(attempt, &answer);
            self.ended_after.push(after);
        }
    }

    async fn follow(&self, attempt: &Attempt) -> (Answer, Duration) {
        let until = Instant::now() + PATIENCE;
        let answer = loop {
            match self.ask(attempt).await {
                Some(answer) if !is_passing(&answer.code()) => break answer,
                other => assert!(
                    Instant::now() < until,
                    "no answer for {}: {other:?}",
                    attempt.key
                ),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        if let Some(order) = order_of(&answer) {
            while !self.is_terminal(&order).await {
                assert!(Instant::now() < until, "order {order} does not end");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        (answer, self.restarted.elapsed())
    }

    async fn is_terminal(&self, order: &str) -> bool {
        let message = json!({"orderId": order});
        let answer = self
            .customer
            .door
            .try_call("order.v1.OrderService/GetOrder", &message, None)
            .await;
        let status = answer
            .ok()
            .map(|answer| answer.json()["status"].to_string());
        status.is_some_and(|status| {
            ["CONFIRMED", "REJECTED", "CANCELLED"]
                .iter()
                .any(|end| status.contains(end))
        })
    }

    /// One line of history: what the customer was told.
    fn note(&self, attempt: &Attempt, answer: &Answer) {
        let status = match answer.code().as_str() {
            "ok" => answer.json()["order"]["status"]
                .as_str()
                .map(|s| s.replace("ORDER_STATUS_", "")),
            "failed_precondition" => order_of(answer).map(|_| "REJECTED".to_owned()),
            _ => None,
        };
        let line = json!({
            "subject": format!("user:{}", self.customer.id),
            "method": METHOD,
            "key": attempt.key,
            "request": attempt.message.to_string(),
            "code": answer.code(),
            "answer": String::from_utf8_lossy(&answer.bytes),
            "order_id": order_of(answer),
            "status": status,
        });
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.history);
        writeln!(file.expect("the folder is ours"), "{line}").expect("the file is ours");
    }

    async fn audit_with(&self, stoa: impl AsyncFnOnce(&[&str]) -> (i32, String)) -> (i32, String) {
        let history = self.history.display().to_string();
        stoa(&["audit", "--settle", "20", "--history", &history]).await
    }

    /// Says how long orders took to end after a restart, and fails when that
    /// was too long.
    fn report(mut self, what: &str) {
        self.ended_after.sort_unstable();
        let count = self.ended_after.len();
        let p99 = self.ended_after[(count * 99).div_ceil(100) - 1];
        println!(
            "{what}: {count} checkouts, every order terminal after a restart within p99 {p99:?}"
        );
        assert!(p99 <= TERMINAL_MAX, "p99 {p99:?}");
    }
}

fn is_passing(code: &str) -> bool {
    [
        "unavailable",
        "deadline_exceeded",
        "aborted",
        "resource_exhausted",
        "canceled",
        "internal",
    ]
    .contains(&code)
}

/// The id of the order that an answer speaks of, of a refused one too.
fn order_of(answer: &Answer) -> Option<String> {
    let body = answer.json();
    if let Some(id) = body["order"]["id"].as_str() {
        return Some(id.to_owned());
    }
    let detail = body["details"][0]["value"].as_str()?;
    let bytes = STANDARD_NO_PAD.decode(detail.trim_end_matches('=')).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = text.find("order_id")? + "order_id".len();
    // The value of a protobuf map entry: tag, length, text.
    text.get(at + 2..at + 38).map(str::to_owned)
}

//! Orders are placed and read without a pause while of their service's replicas one is slow, one dies, and one more
//! comes: whoever asks is answered, and each order is made and charged once.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::postgres::Server;
use testkit::process::{Process, free_port};
use tokio::time::{Instant, sleep};

use crate::crash::journal::{Command, Journal, order_of};
use crate::crash::system::databases;
use crate::fleet::Fleet;
use crate::shop::{Customer, Door, stoa};

const CREATE: &str = "order.v1.OrderService/CreateOrder";
const READ: &str = "order.v1.OrderService/GetOrder";
const SKU: &str = "MUG-STR-01";
const CALLERS: usize = 8;
/// What a caller waits for an answer, and what its way back may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(1);
const WAY_MAX: Duration = Duration::from_millis(750);
const EJECTION: Duration = Duration::from_secs(4);
/// From the start of a replica until it has its share.
const FOUND_MAX: Duration = Duration::from_secs(10);
const IN_TIME: Duration = Duration::from_secs(30);

/// Three addresses of order, of which two answer at first. Order is on PostgreSQL, all others are on SQLite.
struct Shop {
    fleet: Fleet,
    _server: Server,
    /// The admin listeners of the first and the second.
    admins: [Door; 2],
    second: Process,
    third_port: u16,
    gateway_admin: Door,
}

impl Shop {
    async fn start() -> Self {
        let server = testkit::postgres::durable().await;
        let databases = databases(&server).await;
        let at = |name: &str| databases.iter().find(|(key, _)| key == name);
        let (key, url) = at("STOA_ORDER__DATABASE_URL").expect("order has one");
        // Most are told of their order while it is under way.
        let settings = [
            (key.as_str(), url.as_str()),
            ("STOA_ORDER__OUTCOME_WAIT_MS", "20"),
        ];
        let mut fleet = Fleet::start_with(&settings).await;
        let one = fleet.admin("order").await;
        let (door, second) = fleet.replica_apart("order").await;
        let two = fleet.admin("order").await;
        let third_port = free_port();
        let host = |door: Door| door.origin.replace("http://", "");
        let all = [
            host(fleet.door("order")),
            host(door),
            format!("127.0.0.1:{third_port}"),
        ];
        let variables = [
            ("STOA_PEERS__ORDER", format!("static://{}", all.join(","))),
            (
                "STOA_PEERS__ORDER__EJECTION",
                format!("{}s", EJECTION.as_secs()),
            ),
        ];
        fleet.restart_with("gateway", &variables).await;
        let gateway_admin = fleet.admin("gateway").await;
        Self {
            fleet,
            _server: server,
            admins: [one, two],
            second,
            third_port,
            gateway_admin,
        }
    }

    /// How the gateway sees the second.
    async fn standing(&self) -> Value {
        let shown = self.gateway_admin.get("/peers").await.json();
        let all = shown["order"]["endpoints"].as_array().expect("a list");
        let second = all.get(1).expect("the second stands there").clone();
        second["state"].clone()
    }
}

/// row: G7, L6, R-12, R5, I2, E13
#[tokio::test]
async fn orders_are_placed_once_while_replicas_are_slow_die_and_come() {
    let mut shop = Shop::start().await;
    let operator = shop
        .fleet
        .gateway
        .sign_in("operator@stoa.test", "stoa-demo")
        .await;
    let stock = json!({"sku": SKU, "delta": 1_000_000, "reason": "count"});
    let adjusted = operator
        .door
        .call("inventory.v1.InventoryService/AdjustStock", stock);
    assert_eq!(adjusted.await.code(), "ok");
    let callers = Callers::of(&shop.fleet.gateway).await;

    // Both well.
    let before = shares(&shop.admins).await;
    let calls = callers.ask(None, sleep(Duration::from_secs(4))).await;
    none_failed(&calls);
    let shared = since(&shares(&shop.admins).await, &before);
    println!("both well: {}, by replica {shared:?}", told(&calls));
    let sum: usize = shared.iter().sum();
    assert!(sum >= calls.len(), "{shared:?} of {}", calls.len());
    assert!(
        shared.iter().all(|share| share * 10 > sum * 3),
        "{shared:?}"
    );

    // One is slow: whoever is with it when his time is over is told so then, and nobody else notices.
    let port = shop.admins[1]
        .origin
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    let slow = [
        "fault",
        "set",
        "order",
        "--delay",
        "5s",
        "--admin-port",
        &port,
    ];
    let (code, printed) = stoa(&slow, &[]).await;
    assert_eq!(code, 0, "{printed}");
    let calls = callers
        .ask(Some(DEADLINE), sleep(Duration::from_secs(6)))
        .await;
    let late = calls.iter().filter(|call| call.code != "ok").count();
    println!("one slow: {}, {late} of them late", told(&calls));
    assert!(only_late(&calls));
    assert!(
        calls.iter().all(|call| call.took < DEADLINE + WAY_MAX),
        "{}",
        told(&calls)
    );
    assert!(late > 0 && late * 2 < calls.len(), "{late}");
    let (code, printed) = stoa(&["fault", "clear", "--admin-port", &port], &[]).await;
    assert_eq!(code, 0, "{printed}");

    // One dies: its calls are asked again of the other. Nobody is told, unless his order is carried on too late for him.
    let noticed = async {
        sleep(Duration::from_secs(1)).await;
        shop.second.kill();
        let killed = Instant::now();
        while shop.standing().await != "ejected" {
            assert!(killed.elapsed() < IN_TIME, "it is still asked");
            sleep(Duration::from_millis(10)).await;
        }
        let noticed = killed.elapsed();
        sleep(EJECTION * 3 / 2).await; // it is probed, in vain
        noticed
    };
    let (calls, noticed) = callers.ask_while(None, noticed).await;
    let late = calls.iter().filter(|call| call.code != "ok").count();
    println!(
        "one killed: {}, {late} of them late, left alone after {noticed:?}",
        told(&calls)
    );
    let codes = calls.iter().map(|call| call.code.as_str());
    let other: Vec<_> = codes.filter(|code| *code != "ok").collect();
    // He is told that his time is over, or that his key is still at work.
    let late_word = |code: &&str| ["deadline_exceeded", "aborted"].contains(code);
    assert!(late <= CALLERS && other.iter().all(late_word), "{other:?}");
    assert!(noticed < Duration::from_secs(1), "{noticed:?}");

    // One comes.
    let found = async {
        let begun = Instant::now();
        let (_, third) = shop.fleet.replica_at("order", shop.third_port).await;
        let ready = begun.elapsed();
        let admin = shop.fleet.admin("order").await;
        while count(&admin).await < 20 {
            assert!(begun.elapsed() < IN_TIME, "it is not asked");
            sleep(Duration::from_millis(50)).await;
        }
        (third, ready, begun.elapsed())
    };
    let (calls, (_third, ready, found)) = callers.ask_while(None, found).await;
    println!(
        "one more: {}, ready after {ready:?}, asked after {found:?}",
        told(&calls)
    );
    none_failed(&calls);
    assert!(found - ready < FOUND_MAX, "{found:?}");

    callers.judge(&shop.fleet).await;
}

/// How often the replicas were asked for orders.
async fn shares(admins: &[Door; 2]) -> [usize; 2] {
    [count(&admins[0]).await, count(&admins[1]).await]
}

fn since(now: &[usize; 2], before: &[usize; 2]) -> [usize; 2] {
    [now[0] - before[0], now[1] - before[1]]
}

async fn count(admin: &Door) -> usize {
    let text = admin.get("/metrics").await.bytes;
    let text = String::from_utf8_lossy(&text);
    let counts = text.lines().filter(|line| {
        line.starts_with("rpc_server_call_duration_seconds_count{")
            && (line.contains("CreateOrder") || line.contains("GetOrder"))
    });
    let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    counts.sum()
}

/// One call, as its caller saw it.
#[derive(Debug)]
struct Asked {
    took: Duration,
    code: String,
}

fn told(calls: &[Asked]) -> String {
    let mut took: Vec<Duration> = calls.iter().map(|call| call.took).collect();
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    format!(
        "{} calls, p50 {:?}, p99 {:?}, longest {:?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    )
}

fn none_failed(calls: &[Asked]) {
    let failed: Vec<_> = calls.iter().filter(|call| call.code != "ok").collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Whether nobody was told anything else than that his time is over.
fn only_late(calls: &[Asked]) -> bool {
    let mut codes = calls.iter().map(|call| call.code.as_str());
    codes.all(|code| ["ok", "deadline_exceeded"].contains(&code))
}

/// People who place an order, read it, and place the next.
struct Callers {
    people: Vec<Customer>,
    journal: Journal,
    commands: AtomicUsize,
}

impl Callers {
    async fn of(door: &Door) -> Self {
        let mut people = Vec::new();
        for number in 0..CALLERS {
            people.push(door.sign_up(&format!("caller-{number}@example.test")).await);
        }
        let folder = format!("replicas-{}", std::process::id());
        Self {
            people,
            journal: Journal::new(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder)),
            commands: AtomicUsize::new(0),
        }
    }

    async fn ask(
        &self,
        within: Option<Duration>,
        meanwhile: impl Future<Output = ()>,
    ) -> Vec<Asked> {
        self.ask_while(within, meanwhile).await.0
    }

    /// Asks for as long as something goes on, and until each has the answer that he asked for.
    async fn ask_while<T>(
        &self,
        within: Option<Duration>,
        meanwhile: impl Future<Output = T>,
    ) -> (Vec<Asked>, T) {
        let stop = AtomicBool::new(false);
        let people = self.people.iter();
        let calls = join_all(people.map(|person| self.ask_on(person, within, &stop)));
        let meanwhile = async {
            let seen = meanwhile.await;
            stop.store(true, Ordering::Relaxed);
            seen
        };
        let (calls, seen) = tokio::join!(calls, meanwhile);
        (calls.into_iter().flatten().collect(), seen)
    }

    async fn ask_on(
        &self,
        person: &Customer,
        within: Option<Duration>,
        stop: &AtomicBool,
    ) -> Vec<Asked> {
        let mut door = person.door.clone();
        door.within = within;
        let mut calls = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let number = self.commands.fetch_add(1, Ordering::Relaxed);
            let create = Command {
                subject: format!("user:{}", person.id),
                method: CREATE,
                key: format!("order-{number}"),
                message: person.order(SKU, 1, "tok_ok"),
            };
            let order = self.until_told(&door, &create, &mut calls).await;
            let read = Command {
                method: READ,
                message: json!({"orderId": order}),
                ..create
            };
            let begun = Instant::now();
            let answer = door.try_call(READ, &read.message, None).await;
            let answer = answer.expect("an answer comes");
            let (took, code) = (begun.elapsed(), answer.code());
            calls.push(Asked { took, code });
        }
        calls
    }

    /// Asks again under the same key until there is an order.
    async fn until_told(&self, door: &Door, create: &Command, calls: &mut Vec<Asked>) -> String {
        let until = Instant::now() + IN_TIME;
        loop {
            self.journal.invoke(create);
            let begun = Instant::now();
            let answer = door
                .try_call(CREATE, &create.message, Some(&create.key))
                .await;
            let took = begun.elapsed();
            let answer = answer.expect("an answer comes");
            let code = answer.code();
            calls.push(Asked { took, code });
            if let Some(answer) = self.journal.returned(create, Some(&answer)) {
                return order_of(answer).unwrap_or_else(|| panic!("no order: {:?}", answer.bytes));
            }
            assert!(Instant::now() < until, "{} is lost", create.key);
        }
    }

    /// As many orders as were asked for, each at its end, each charged once.
    async fn judge(&self, fleet: &Fleet) {
        let history = self.journal.history().display().to_string();
        let audit = ["audit", "--settle", "30", "--history", &history];
        let (code, printed) = fleet.stoa(&audit).await;
        println!("{printed}");
        assert_eq!(code, 0, "{printed}");
    }
}

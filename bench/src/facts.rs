//! What facts cost on their way: from an outbox to a group in the same process, and over NATS to a group in another,
//! beside what the broker acknowledges when nothing else is done. The group does nothing about them, so its part is what
//! it takes to hear each once: a transaction with its mark in the inbox.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use async_nats::jetstream::{self, stream};
use bus::{Bus, Group, Heard, Start, Told, Worker};
use clock::Clock;
use events::{Fact, Origin, outbox};
use futures::{FutureExt, StreamExt, TryStreamExt};
use prost::Message;
use proto::event::v1::{Event, UserUpdated};
use sea_orm::DbErr;
use serde_json::json;
use sql::Database;
use testkit::Engine;
use testkit::database::TestDatabase;
use testkit::nats::Broker;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Effort;
use crate::contest::{median, ratio};
use crate::report::{Goal, Report};
use crate::usage::Usage;

/// People that facts are about.
const PEOPLE: usize = 500;
/// Facts of one transaction.
const TOLD_AT_ONCE: usize = 500;
/// Messages that wait for the broker's word at once, where it is asked alone.
const UNDER_WAY: usize = 4_096;
/// How long all of a turn may take.
const PATIENCE: Duration = Duration::from_secs(300);
const SOURCE: &str = "user";

/// Measures all of it.
///
/// # Errors
/// A server does not start, or a fact does not arrive.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        in_process(engine, effort, report).await?;
    }
    over_nats(effort, report).await
}

async fn in_process(engine: Engine, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let town = Town::on(engine).await;
    let bar = crate::bar(effort.rounds, "Facts in process");
    let (mut speed, mut processor) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        town.tell(effort.facts).await?;
        let own = [std::process::id()];
        let before = Usage::of(&own)?;
        let bus = Bus::default();
        bus.open(&town.tells, &town.clock);
        let took = town.hear(&bus, effort.facts).await?;
        let spent = Usage::of(&own)?.since(&before);
        speed.push(effort.facts as f64 / took.as_secs_f64());
        processor.push(spent.processor_ms / effort.facts as f64);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let detail = json!({"facts a round": effort.facts, "rounds": effort.rounds});
    let engine = match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL with fsync off", // the server that tests share
    };
    let measure = format!("facts, heard in process, {engine}");
    report.add(
        &measure,
        median(&speed),
        "/s",
        Goal::AtLeast(20_000.0),
        detail,
    )?;
    let measure = format!("facts, heard in process, {engine}, processor time of each in it");
    let goal = Goal::AtMost(0.1);
    report.add(&measure, median(&processor), "ms", goal, json!({}))
}

async fn over_nats(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let town = Town::on(Engine::Sqlite).await;
    let broker = testkit::nats::broker().await;
    let alone = Alone::beside(&broker).await?;
    let bar = crate::bar(effort.rounds, "Facts over NATS");
    let (mut relayed, mut heard, mut acknowledged) = (Vec::new(), Vec::new(), Vec::new());
    let grown = Grown::begin()?;
    for _ in 0..effort.rounds {
        town.tell(effort.facts).await?;
        let speed = |took: Duration| effort.facts as f64 / took.as_secs_f64();
        relayed.push(speed(town.relay(&broker).await?));
        acknowledged.push(speed(alone.publish(effort.facts).await?));
        bar.inc(1);
    }
    let grown = grown.mib()?;
    for _ in 0..effort.rounds.min(3) {
        // The first hears what was told so far, and is no measure of how fast what is new is heard.
        let told = town.told() - town.heard();
        let took = town.hear(&bus_over(&broker)?, told).await?;
        heard.push(told as f64 / took.as_secs_f64());
        town.tell(effort.facts).await?;
        town.relay(&broker).await?;
    }
    bar.finish_and_clear();
    let (share, quartiles) = ratio(&relayed, &acknowledged);
    let detail = json!({
        "relayed /s": median(&relayed), "acknowledged /s": median(&acknowledged),
        "from": quartiles[0], "to": quartiles[1], "rounds": effort.rounds,
    });
    let goal = Goal::AtLeast(0.5);
    report.add(
        "facts, relayed to NATS over what it acknowledges alone",
        share,
        "",
        goal,
        detail,
    )?;
    let told = effort.rounds as u64 * effort.facts;
    let detail = json!({"facts that nobody hears": told});
    report.add(
        "facts, relayed to NATS, memory grown by",
        grown,
        "MiB",
        Goal::AtMost(64.0),
        detail,
    )?;
    report.add(
        "facts, heard over NATS",
        median(&heard),
        "/s",
        Goal::None,
        json!({}),
    )
}

fn bus_over(broker: &Broker) -> anyhow::Result<Bus> {
    Ok(Bus::over(broker.url().parse()?))
}

/// One service that tells, and one that hears.
struct Town {
    tells: TestDatabase,
    hears: TestDatabase,
    clock: Clock,
    told: AtomicU64,
    heard: Arc<AtomicU64>,
}

impl Town {
    async fn on(engine: Engine) -> Self {
        let made = |service| {
            let migrate = async move |db: &Database| migrations::up(db, service).await;
            testkit::database::on(engine, service, migrate)
        };
        Self {
            tells: made(SOURCE).await,
            hears: made("order").await,
            clock: Clock::system(),
            told: AtomicU64::new(0),
            heard: Arc::default(),
        }
    }

    fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Tells so many facts.
    async fn tell(&self, facts: u64) -> anyhow::Result<()> {
        let until = self.told() + facts;
        let origin = Origin::internal("bench");
        while self.told() < until {
            let txn = self.tells.begin_write().await?;
            let many = (until - self.told()).min(TOLD_AT_ONCE as u64);
            let first = self.told.fetch_add(many, Ordering::Relaxed);
            let facts = (first..first + many).map(fact);
            outbox::push_all(&txn, &self.clock, &origin, facts).await?;
            txn.commit().await?;
        }
        Ok(())
    }

    /// How long a process that starts takes to hear so many that it has not.
    async fn hear(&self, bus: &Bus, facts: u64) -> anyhow::Result<Duration> {
        let until = self.heard() + facts;
        let heard = self.heard.clone();
        let group = Group::new("bench", Start::Earliest, &self.hears, &self.clock);
        let group = group.hears(SOURCE, move |work, _: Told<UserUpdated>| {
            let heard = heard.clone();
            work.then(move || {
                heard.fetch_add(1, Ordering::Relaxed);
            });
            ready(Ok::<(), DbErr>(())).boxed()
        });
        let working = Working::begin([bus.join(group)]);
        let took = until_true(|| self.heard() >= until).await?;
        working.end().await?;
        Ok(took)
    }

    /// How long a process that starts takes to publish what is not published yet.
    async fn relay(&self, broker: &Broker) -> anyhow::Result<Duration> {
        let facts = outbox::extent(&self.tells).await?;
        let last = facts.end(self.clock.now());
        let bus = bus_over(broker)?;
        let relay = bus.open(&self.tells, &self.clock);
        let working = Working::begin(relay);
        let took = until_true(|| match bus.heard(SOURCE) {
            Heard::UpTo(place) => place.later(last).is_at(place),
            Heard::ByNobody | Heard::Unknown => false,
        })
        .await?;
        working.end().await?;
        Ok(took)
    }
}

/// The fact of that number: people are renamed in turn.
fn fact(number: u64) -> Fact {
    let person = number as usize % PEOPLE;
    Fact {
        topic: "user.updated",
        key: format!("{person:032}"),
        version: (number as usize / PEOPLE + 1) as i64,
        subject: None,
        data: update(person).encode_to_vec(),
    }
}

fn update(person: usize) -> UserUpdated {
    UserUpdated {
        user_id: format!("{person:036}"),
        name: "Ada Lovelace, Countess".to_owned(),
        email: format!("ada-{person}@example.test"),
        can_place_orders: true,
    }
}

/// Work of a process, until it ends.
struct Working {
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Working {
    fn begin(workers: impl IntoIterator<Item = Worker>) -> Self {
        let shutdown = CancellationToken::new();
        let workers = workers.into_iter();
        let tasks = workers.map(|worker| tokio::spawn((worker.task)(shutdown.clone())));
        Self {
            tasks: tasks.collect(),
            shutdown,
        }
    }

    async fn end(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        for task in self.tasks {
            task.await?;
        }
        Ok(())
    }
}

async fn until_true(done: impl Fn() -> bool) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    while !done() {
        ensure!(begun.elapsed() < PATIENCE, "it does not come to an end");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(begun.elapsed())
}

/// The broker, asked by nobody else: what it acknowledges of messages as long as ours, with as many under way as it
/// likes.
struct Alone {
    context: jetstream::Context,
    message: Vec<u8>,
}

impl Alone {
    async fn beside(broker: &Broker) -> anyhow::Result<Self> {
        let client = async_nats::connect(broker.url()).await?;
        let context = jetstream::new(client);
        let config = stream::Config {
            name: "alone".to_owned(),
            subjects: vec!["alone.>".to_owned()],
            ..stream::Config::default()
        };
        context.create_stream(config).await?;
        let event = Event {
            event_id: Clock::system().id().to_string(),
            event_type: "USER_UPDATED".to_owned(),
            timestamp: Some(Clock::system().now().into()),
            source: SOURCE.to_owned(),
            key: format!("{:032}", 0),
            version: 1,
            correlation_id: "bench".to_owned(),
            data: update(0).encode_to_vec(),
            ..Event::default()
        };
        Ok(Self {
            context,
            message: event.encode_to_vec(),
        })
    }

    async fn publish(&self, messages: u64) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let publishing = futures::stream::iter(0..messages).map(async |_| {
            let message = self.message.clone().into();
            let sent = self.context.publish("alone.user.updated", message).await?;
            sent.await?;
            anyhow::Ok(())
        });
        let all = publishing.buffer_unordered(UNDER_WAY).try_collect::<()>();
        all.await.context("the broker takes what it is given")?;
        Ok(begun.elapsed())
    }
}

/// By how much this process has grown.
struct Grown(f64);

impl Grown {
    fn begin() -> anyhow::Result<Self> {
        Ok(Self(resident_mib()?))
    }

    fn mib(&self) -> anyhow::Result<f64> {
        Ok(resident_mib()? - self.0)
    }
}

fn resident_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.context("the kernel tells what is resident")? / 1024.0)
}

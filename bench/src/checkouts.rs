//! Whole checkouts, from CreateOrder to CONFIRMED, against what the databases under them
//! commit when nothing else is done.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use sea_orm::sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use serde_json::json;
use tokio::task::JoinSet;

use crate::commits::{CLIENTS, Postgres, Sqlite};
use crate::contest::median;
use crate::cores::resident_mib;
use crate::report::{Goal, Report};
use crate::shop::{Customer, Shop};
use crate::{Effort, bar};

/// Commits of one checkout.
const COMMITS_GOAL: f64 = 8.0;
/// Of what the database commits, what checkouts should make use of.
const CEILING_GOAL: f64 = 0.5;
/// What the shop may take after its checkouts, in MiB.
const MEMORY_GOAL: f64 = 100.0;

const SERVICES: [&str; 6] = [
    "user",
    "catalog",
    "pricing",
    "inventory",
    "order",
    "payment",
];

/// What commits beside the shop.
enum Ceiling {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Ceiling {
    async fn commit_for(&mut self, time: Duration) -> anyhow::Result<f64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.commit_for(time).await,
            Self::Postgres(postgres) => postgres.commit_for(time, CLIENTS),
        }
    }
}

/// Measures.
///
/// # Errors
/// A shop or a database does not start, or a checkout fails.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let sqlite = Sqlite::open(&folder.path().join("bench.db")).await?;
    let data = folder.path().join("sqlite");
    measure(
        "sqlite",
        &data,
        &HashMap::new(),
        Ceiling::Sqlite(sqlite),
        effort,
        report,
    )
    .await?;

    let server = testkit::postgres::durable().await;
    let mut variables = HashMap::new();
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    for name in SERVICES {
        let create = format!("create database \"{name}\"");
        raw_sql(AssertSqlSafe(create))
            .execute(&mut connection)
            .await?;
        let variable = format!("STOA_{}__DATABASE_URL", name.to_uppercase());
        variables.insert(variable, server.url(name));
    }
    connection.close().await?;
    let postgres = Postgres::open(&server.url("postgres")).await?;
    let one = postgres.commit_for(effort.turn, 1)?;
    let detail = json!({"connections": 1});
    report.add(
        "postgres, bare insert loop",
        one,
        "commits/s",
        Goal::None,
        detail,
    )?;
    let data = folder.path().join("postgres");
    measure(
        "postgres",
        &data,
        &variables,
        Ceiling::Postgres(postgres),
        effort,
        report,
    )
    .await
}

async fn measure(
    engine: &str,
    data: &Path,
    variables: &HashMap<String, String>,
    mut ceiling: Ceiling,
    effort: Effort,
    report: &mut Report,
) -> anyhow::Result<()> {
    let bar = bar(effort.rounds + 2, &format!("Checkouts on {engine}"));
    let shop = Shop::up(data, variables)?;
    let crowd = Crowd::sign_up(&shop).await?;
    crowd.check_out(Until::Count(32)).await?; // connections and statements are prepared
    bar.inc(1);
    let (mut speeds, mut ceilings, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    let (mut placed, mut commits) = (0, 0.0);
    let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    for _ in 0..effort.rounds {
        let before = shop.metric("store_commits_total").await?;
        let done = crowd.check_out(Until::Time(effort.turn)).await?;
        let spent = shop.metric("store_commits_total").await? - before;
        let committed = ceiling.commit_for(effort.turn).await?;
        (placed, commits) = (placed + done.confirmed, commits + spent);
        speeds.push(done.confirmed as f64 / done.took.as_secs_f64());
        shares.push(spent / done.took.as_secs_f64() / committed);
        ceilings.push(committed);
        latency.add(&done.latency)?;
        bar.inc(1);
    }
    let left = effort.checkouts.saturating_sub(placed);
    let more = crowd.check_out(Until::Count(left)).await?;
    bar.finish_and_clear();
    let detail = json!({
        "clients": CLIENTS,
        "p50 ms": latency.value_at_quantile(0.5) as f64 / 1e3,
        "p99 ms": latency.value_at_quantile(0.99) as f64 / 1e3,
        "checkouts": placed,
    });
    let named = |what: &str| format!("{engine}, {what}");
    report.add(
        &named("checkouts"),
        median(&speeds),
        "/s",
        Goal::None,
        detail,
    )?;
    let detail = json!({"clients": if engine == "sqlite" { 1 } else { CLIENTS }});
    report.add(
        &named("commit ceiling"),
        median(&ceilings),
        "commits/s",
        Goal::None,
        detail,
    )?;
    let each = commits / placed as f64;
    let goal = Goal::AtMost(COMMITS_GOAL);
    report.add(
        &named("commits per checkout"),
        each,
        "",
        goal,
        json!({"checkouts": placed}),
    )?;
    let goal = Goal::AtLeast(CEILING_GOAL);
    let detail = json!({"rounds": shares.len()});
    report.add(
        &named("share of the commit ceiling"),
        median(&shares),
        "",
        goal,
        detail,
    )?;
    let memory = resident_mib(shop.child.id())?;
    let detail = json!({"checkouts": placed + more.confirmed});
    let goal = Goal::AtMost(MEMORY_GOAL);
    report.add(
        &named("memory after checkouts"),
        memory,
        "MiB",
        goal,
        detail,
    )
}

/// Pieces that a product must have in stock to be ordered here, so that none runs out.
const STOCK_MIN: u32 = 30;

/// How often a customer asks again when writers collided.
const AGAIN_MAX: usize = 20;

/// Customers who order at once, each as soon as the last order is confirmed.
struct Crowd {
    customers: Vec<Customer>,
    skus: Arc<Vec<String>>,
    /// Numbers given to orders so far, of which a few were not placed.
    numbers: Arc<AtomicU64>,
}

#[derive(Clone, Copy)]
enum Until {
    Time(Duration),
    Count(u64),
}

struct Done {
    confirmed: u64,
    took: Duration,
    latency: Histogram<u64>,
}

impl Crowd {
    async fn sign_up(shop: &Shop) -> anyhow::Result<Self> {
        let mut customers = Vec::new();
        for place in 0..CLIENTS {
            customers.push(shop.door.sign_up(&format!("customer-{place}")).await?);
        }
        let all = shop.door.skus().await?;
        let skus = Arc::new(customers[0].in_stock(&all, STOCK_MIN).await?);
        ensure!(!skus.is_empty(), "the shop sells nothing");
        Ok(Self {
            customers,
            skus,
            numbers: Arc::default(),
        })
    }

    async fn check_out(&self, until: Until) -> anyhow::Result<Done> {
        let began = Instant::now();
        let first = self.numbers.load(Ordering::Relaxed);
        let mut running = JoinSet::new();
        for customer in self.customers.clone() {
            let (skus, numbers) = (self.skus.clone(), self.numbers.clone());
            running.spawn(async move {
                let mut took = Vec::new();
                loop {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    let over = match until {
                        Until::Time(time) => began.elapsed() >= time,
                        Until::Count(count) => number >= first + count,
                    };
                    if over {
                        return anyhow::Ok(took);
                    }
                    // All shelves are emptied evenly.
                    let sku = &skus[usize::try_from(number)? % skus.len()];
                    let (key, asked) = (format!("bench-{number}"), Instant::now());
                    let confirmed = customer.check_out(sku, &key, AGAIN_MAX).await?;
                    ensure!(
                        confirmed,
                        "order {number} of {sku} was not confirmed in time"
                    );
                    took.push(asked.elapsed());
                }
            });
        }
        let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        let mut confirmed = 0;
        while let Some(ended) = running.join_next().await {
            for took in ended?? {
                latency.saturating_record(u64::try_from(took.as_micros())?);
                confirmed += 1;
            }
        }
        Ok(Done {
            confirmed,
            took: began.elapsed(),
            latency,
        })
    }
}

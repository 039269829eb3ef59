//! Whole checkouts, from CreateOrder to CONFIRMED, against the same checkout written by hand,
//! and against what the databases under them commit when nothing else is done.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::json;

use crate::child::Child;
use crate::commits::{CLIENTS, Postgres, Sqlite};
use crate::contest::median;
use crate::cores::resident_mib;
use crate::crowd::{CUSTOMERS, Crowd, Until};
use crate::peer::KeyIn;
use crate::report::{Goal, Report};
use crate::serve::Kind;
use crate::shop::Shop;
use crate::tables::{EFFECTS, EFFECTS_OF_STOA, Place};
use crate::turns::{Contender, Goals, postmaster};
use crate::{Effort, bar, shop, tables};

/// Commits of one checkout.
const COMMITS_GOAL: f64 = 8.0;
/// Of what the database commits, what checkouts should make use of.
const CEILING_GOAL: f64 = 0.5;
/// What the shop may take after its checkouts, in MiB.
const MEMORY_GOAL: f64 = 100.0;
/// Of the checkouts per second of the plain program, what Stoa should have.
const SPEED_GOAL: f64 = 0.5;
/// Times the processor time of the plain program that Stoa may take on SQLite.
const PROCESSOR_GOAL_SQLITE: f64 = 3.0;
/// The same on PostgreSQL, whose own processes take most of it from both.
const PROCESSOR_GOAL_POSTGRES: f64 = 2.0;
/// Times the bytes that the plain program writes that Stoa may write.
const WRITTEN_GOAL: f64 = 1.0;

/// Checkouts before the first turn: connections and statements are prepared.
const WARM_UP: Until = Until::Count(64);

/// What commits beside the shop.
enum Ceiling {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// An engine with everything that takes turns on it.
struct Match<'a> {
    engine: &'static str,
    processor_goal: f64,
    stoa: Contender,
    shop: Shop,
    stoas: Place<'a>,
    plain: Contender,
    plains: Place<'a>,
    ceiling: Ceiling,
    _plain_process: Child,
}

/// What was counted beside the scores of the contenders, by round: commits and transactions per
/// checkout, what the database commits, and Stoa's share of it.
#[derive(Default)]
struct Counts {
    each: Vec<f64>,
    transactions: Vec<f64>,
    ceilings: Vec<f64>,
    shares: Vec<f64>,
}

/// Measures.
///
/// # Errors
/// A shop or a database does not start, or a checkout fails.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    on_sqlite(folder.path(), effort, report).await?;
    on_postgres(folder.path(), effort, report).await
}

async fn on_sqlite(folder: &Path, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let ceiling = Ceiling::Sqlite(Sqlite::open(&folder.join("bench.db")).await?);
    let data = folder.join("sqlite");
    let shop = Shop::up(&data, &HashMap::new())?;
    let place = folder.join("plain");
    std::fs::create_dir(&place)?;
    tables::create_sqlite(&place)?;
    let (process, origin) = start_plain(Kind::PlainSqlite, &place.display().to_string())?;
    let stoa = vec![shop.child.id()];
    let stoa = Contender::new("Stoa", Crowd::of_shop(&shop).await?, stoa, WARM_UP).await?;
    let plain = vec![process.id()];
    let plain = Contender::new(
        "by hand",
        Crowd::of_peer(&origin, KeyIn::Header),
        plain,
        WARM_UP,
    )
    .await?;
    let engine = Match {
        engine: "sqlite",
        processor_goal: PROCESSOR_GOAL_SQLITE,
        stoa,
        plain,
        shop,
        stoas: Place::Folder(&data),
        plains: Place::Folder(&place),
        ceiling,
        _plain_process: process,
    };
    engine.measure(effort, report).await
}

async fn on_postgres(folder: &Path, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    // A server each, so that its processes are counted for whom they worked.
    let server = testkit::postgres::durable().await;
    let others = testkit::postgres::durable().await;
    let variables = shop::databases(&server).await?;
    let postgres = Postgres::open(&server.url("postgres")).await?;
    let one = postgres.commit_for(effort.turn, 1)?;
    let detail = json!({"connections": 1});
    let measure = "postgres, bare insert loop";
    report.add(measure, one, "commits/s", Goal::None, detail)?;
    let shop = Shop::up(&folder.join("postgres"), &variables)?;
    tables::create_postgres(&others).await?;
    let (process, origin) = start_plain(Kind::PlainPostgres, &tables::origin_of(&others)?)?;
    let stoa = vec![shop.child.id(), postmaster(&server).await?];
    let stoa = Contender::new("Stoa", Crowd::of_shop(&shop).await?, stoa, WARM_UP).await?;
    let plain = vec![process.id(), postmaster(&others).await?];
    let plain = Contender::new(
        "by hand",
        Crowd::of_peer(&origin, KeyIn::Header),
        plain,
        WARM_UP,
    )
    .await?;
    let engine = Match {
        engine: "postgres",
        processor_goal: PROCESSOR_GOAL_POSTGRES,
        stoa,
        plain,
        shop,
        stoas: Place::Server(&server),
        plains: Place::Server(&others),
        ceiling: Ceiling::Postgres(postgres),
        _plain_process: process,
    };
    engine.measure(effort, report).await
}

fn start_plain(kind: Kind, place: &str) -> anyhow::Result<(Child, String)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", kind.name(), "--upstream", place]);
    Child::start(&mut command, |line| {
        Some(format!("http://{}", line.strip_suffix(" -")?))
    })
}

impl Match<'_> {
    async fn measure(mut self, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
        let bar = bar(effort.rounds, &format!("Checkouts on {}", self.engine));
        let counts = self.rounds(effort, &bar).await?;
        let left = effort.checkouts.saturating_sub(self.stoa.score.placed);
        let more = self.stoa.crowd.check_out(CUSTOMERS, Until::Count(left));
        let held = self.stoa.score.confirmed + more.await?.confirmed;
        bar.finish_and_clear();
        let confirmed = self.plain.score.confirmed;
        self.plains.check(&EFFECTS, confirmed).await?;
        self.stoas.check(&EFFECTS_OF_STOA, held).await?;
        self.stoa.add_own(self.engine, report)?;
        self.plain.add_own(self.engine, report)?;
        let goals = Goals {
            speed: Goal::AtLeast(SPEED_GOAL),
            processor: Goal::AtMost(self.processor_goal),
            written: Goal::AtMost(WRITTEN_GOAL),
        };
        self.stoa
            .add_over(&self.plain, self.engine, goals, report)?;
        self.add_counts(&counts, held, report)
    }

    async fn rounds(&mut self, effort: Effort, bar: &ProgressBar) -> anyhow::Result<Counts> {
        let mut counts = Counts::default();
        for round in 0..effort.rounds {
            if round % 2 == 1 {
                self.plain.turn(effort.turn).await?;
            }
            let (before, placed) = (self.stored().await?, self.stoa.score.confirmed);
            self.stoa.turn(effort.turn).await?;
            let placed = (self.stoa.score.confirmed - placed) as f64;
            let after = self.stored().await?;
            let each = (after[0] - before[0]) / placed;
            if round % 2 == 0 {
                self.plain.turn(effort.turn).await?;
            }
            let ceiling = self.ceiling.commit_for(effort.turn).await?;
            counts.each.push(each);
            counts.transactions.push((after[1] - before[1]) / placed);
            counts.ceilings.push(ceiling);
            let speed = self.stoa.score.speed[round];
            counts.shares.push(speed * each / ceiling);
            bar.inc(1);
        }
        Ok(counts)
    }

    /// Commits and transactions of the shop so far.
    async fn stored(&self) -> anyhow::Result<[f64; 2]> {
        let commits = self.shop.metric("store_commits_total").await?;
        Ok([commits, self.shop.metric("store_transactions_total").await?])
    }

    fn add_counts(&self, counts: &Counts, held: u64, report: &mut Report) -> anyhow::Result<()> {
        let named = |what: &str| format!("{}, {what}", self.engine);
        let clients = match self.ceiling {
            Ceiling::Sqlite(_) => 1,
            Ceiling::Postgres(_) => CLIENTS,
        };
        let rounds = json!({"rounds": counts.shares.len()});
        report.add(
            &named("commit ceiling"),
            median(&counts.ceilings),
            "commits/s",
            Goal::None,
            json!({"clients": clients}),
        )?;
        report.add(
            &named("commits per checkout"),
            median(&counts.each),
            "",
            Goal::AtMost(COMMITS_GOAL),
            json!({"transactions": median(&counts.transactions)}),
        )?;
        report.add(
            &named("share of the commit ceiling"),
            median(&counts.shares),
            "",
            Goal::AtLeast(CEILING_GOAL),
            rounds,
        )?;
        report.add(
            &named("memory after checkouts"),
            resident_mib(self.shop.child.id())?,
            "MiB",
            Goal::AtMost(MEMORY_GOAL),
            json!({"checkouts": held}),
        )
    }
}

impl Ceiling {
    async fn commit_for(&mut self, time: Duration) -> anyhow::Result<f64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.commit_for(time).await,
            Self::Postgres(postgres) => postgres.commit_for(time, CLIENTS),
        }
    }
}

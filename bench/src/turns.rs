//! Programs that take checkouts, turn by turn, and how they compare.

use std::time::Duration;

use anyhow::Context;
use hdrhistogram::Histogram;
use sea_orm::sqlx::{Connection, PgConnection, Row, raw_sql};
use serde_json::{Value, json};
use testkit::postgres::Server;

use crate::contest::{median, ratio};
use crate::crowd::{CUSTOMERS, Crowd, Until};
use crate::report::{Goal, Report};
use crate::usage::{Spent, Usage, parent};

/// How long a program may finish after a turn what nobody waits for; it counts as its own.
const REST: Duration = Duration::from_millis(250);

/// A program that takes checkouts.
pub struct Contender {
    /// The name in tables.
    pub name: String,
    /// Its customers.
    pub crowd: Crowd,
    /// The processes whose use counts, with all that descend from them.
    pub processes: Vec<u32>,
    /// What it did so far.
    pub score: Score,
}

/// What a program did, by round.
#[derive(Clone, Debug)]
pub struct Score {
    /// All checkouts, those of the warm-up too.
    pub confirmed: u64,
    /// Checkouts of the crowd's turns.
    pub placed: u64,
    /// Checkouts per second.
    pub speed: Vec<f64>,
    /// Processor time per checkout, in milliseconds.
    pub processor_ms: Vec<f64>,
    /// Bytes written per checkout, in KiB.
    pub written_kib: Vec<f64>,
    /// What was made dirty in the page cache per checkout, in KiB.
    pub dirtied_kib: Vec<f64>,
    /// Of a crowd, in microseconds.
    pub latency: Histogram<u64>,
    /// Of one customer who is alone, in microseconds.
    pub lone: Histogram<u64>,
}

impl Contender {
    /// A program that is ready, after a warm-up: connections and statements are prepared.
    ///
    /// # Errors
    /// A checkout fails.
    pub async fn new(
        name: &str,
        crowd: Crowd,
        processes: Vec<u32>,
        warm_up: Until,
    ) -> anyhow::Result<Self> {
        let warm = crowd.check_out(CUSTOMERS, warm_up).await?;
        Ok(Self {
            name: name.to_owned(),
            crowd,
            processes,
            score: Score::new(warm.confirmed)?,
        })
    }

    /// A turn of all customers, then a shorter one of a single customer.
    ///
    /// # Errors
    /// A checkout fails.
    pub async fn turn(&mut self, turn: Duration) -> anyhow::Result<()> {
        let before = Usage::of(&self.processes)?;
        let done = self.crowd.check_out(CUSTOMERS, Until::Time(turn)).await?;
        tokio::time::sleep(REST).await;
        let spent = Usage::of(&self.processes)?.since(&before);
        let alone = self.crowd.check_out(1, Until::Time(turn / 2)).await?;
        tokio::time::sleep(REST).await;
        let Spent {
            processor_ms,
            written_kib,
            dirtied_kib,
        } = spent;
        let (score, count) = (&mut self.score, done.confirmed as f64);
        score.confirmed += done.confirmed + alone.confirmed;
        score.placed += done.confirmed;
        score.speed.push(count / done.took.as_secs_f64());
        score.processor_ms.push(processor_ms / count);
        score.written_kib.push(written_kib / count);
        score.dirtied_kib.push(dirtied_kib / count);
        score.latency.add(&done.latency)?;
        score.lone.add(&alone.latency)?;
        Ok(())
    }

    /// Notes what this program did, alone.
    ///
    /// # Errors
    /// The report cannot be written.
    pub fn add_own(&self, prefix: &str, report: &mut Report) -> anyhow::Result<()> {
        let (score, name) = (&self.score, &self.name);
        let ms = |latency: &Histogram<u64>, part| latency.value_at_quantile(part) as f64 / 1e3;
        let detail = json!({
            "customers": CUSTOMERS,
            "p50 ms": ms(&score.latency, 0.5),
            "p99 ms": ms(&score.latency, 0.99),
            "checkouts": score.placed,
        });
        let measure = format!("{prefix}, {name}, checkouts");
        report.add(&measure, median(&score.speed), "/s", Goal::None, detail)?;
        let measure = format!("{prefix}, {name}, p50 of a lone customer");
        let detail = json!({"p99 ms": ms(&score.lone, 0.99), "checkouts": score.lone.len()});
        report.add(&measure, ms(&score.lone, 0.5), "ms", Goal::None, detail)?;
        let measure = format!("{prefix}, {name}, made dirty in the page cache per checkout");
        let detail = json!({"rounds": score.dirtied_kib.len()});
        let dirtied = median(&score.dirtied_kib);
        report.add(&measure, dirtied, "KiB", Goal::None, detail)
    }

    /// Notes how it compares with another.
    ///
    /// # Errors
    /// The report cannot be written.
    pub fn add_over(
        &self,
        other: &Self,
        prefix: &str,
        goals: Goals,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let (own, others) = (&self.score, &other.score);
        let lines = [
            (
                "checkouts per second",
                &own.speed,
                &others.speed,
                "/s",
                goals.speed,
            ),
            (
                "processor time per checkout",
                &own.processor_ms,
                &others.processor_ms,
                "ms",
                goals.processor,
            ),
            (
                "bytes written per checkout",
                &own.written_kib,
                &others.written_kib,
                "KiB",
                goals.written,
            ),
        ];
        for (what, own, others, unit, goal) in lines {
            let (over, [low, high]) = ratio(own, others);
            let detail: Value = json!({
                (format!("{} {unit}", self.name)): median(own),
                (format!("{} {unit}", other.name)): median(others),
                "quartile": low,
                "to": high,
            });
            let measure = format!("{prefix}, {} over {}, {what}", self.name, other.name);
            report.add(&measure, over, "×", goal, detail)?;
        }
        Ok(())
    }
}

/// What one program should be, as parts of another.
#[derive(Clone, Copy, Debug)]
pub struct Goals {
    /// Of checkouts per second.
    pub speed: Goal,
    /// Of processor time per checkout.
    pub processor: Goal,
    /// Of bytes written per checkout.
    pub written: Goal,
}

impl Score {
    fn new(confirmed: u64) -> anyhow::Result<Self> {
        Ok(Self {
            confirmed,
            placed: 0,
            speed: Vec::new(),
            processor_ms: Vec::new(),
            written_kib: Vec::new(),
            dirtied_kib: Vec::new(),
            latency: Histogram::new_with_bounds(1, 60_000_000, 3)?,
            lone: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        })
    }
}

/// The process of a database server that starts all its others.
///
/// # Errors
/// The server does not answer.
pub async fn postmaster(server: &Server) -> anyhow::Result<u32> {
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    let row = raw_sql("select pg_backend_pid()")
        .fetch_one(&mut connection)
        .await?;
    let own = u32::try_from(row.try_get::<i32, _>(0)?)?;
    let postmaster = parent(own).context("find the server's first process")?;
    connection.close().await?;
    Ok(postmaster)
}

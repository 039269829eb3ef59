//! Contenders take turns on one core: a round is a turn of each, and each round begins with
//! another one, so that drift falls on all alike.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use crate::Effort;
use crate::call::{Call, Protocol};
use crate::cores::cpu_seconds;
use crate::load::Client;

/// Somebody who answers the call.
#[derive(Clone, Debug)]
pub struct Contender {
    /// The name in tables.
    pub name: String,
    /// The process whose processor time counts.
    pub process: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it is asked.
    pub call: Arc<Call>,
}

/// What one contender did in all rounds.
#[derive(Clone, Debug)]
pub struct Score {
    /// The name in tables.
    pub name: String,
    /// Requests per second of processor time, by round.
    pub per_core: Vec<f64>,
    /// Requests per second of time, by round.
    pub per_second: Vec<f64>,
    /// Of all rounds, in microseconds.
    pub latency: Histogram<u64>,
}

impl Score {
    /// Requests per second of processor time.
    pub fn speed(&self) -> f64 {
        median(&self.per_core)
    }

    /// The median over rounds of this speed over the other's, and the spread: the quartiles.
    pub fn over(&self, other: &Self) -> (f64, [f64; 2]) {
        ratio(&self.per_core, &other.per_core)
    }
}

/// Lets the contenders answer on `protocol`, each in every round.
///
/// # Errors
/// One of them answers wrongly, or not at all.
pub async fn run(
    protocol: Protocol,
    contenders: &[Contender],
    effort: Effort,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Score>> {
    let mut scores: Vec<Score> = contenders.iter().map(Score::none).collect();
    // Round 0 warms up and does not count.
    for round in 0..=effort.rounds {
        for offset in 0..contenders.len() {
            let place = (round + offset) % contenders.len();
            let counts = (round > 0).then(|| &mut scores[place]);
            turn(protocol, &contenders[place], effort, counts).await?;
            bar.inc(1);
        }
    }
    Ok(scores)
}

async fn turn(
    protocol: Protocol,
    contender: &Contender,
    effort: Effort,
    score: Option<&mut Score>,
) -> anyhow::Result<()> {
    let Contender {
        process,
        address,
        ref call,
        ..
    } = *contender;
    let call = call.clone();
    let generating = sleepless(async move {
        let client = Client::connect(protocol, call, address).await?;
        let (began, spent) = (Instant::now(), cpu_seconds(process)?);
        let count = client.run(began + effort.turn).await?;
        anyhow::Ok((count, began.elapsed(), cpu_seconds(process)? - spent))
    });
    let (count, took, spent) = generating.await?;
    let name = &contender.name;
    ensure!(
        count.wrong == 0,
        "{name} gave {} wrong answers",
        count.wrong
    );
    if let Some(score) = score {
        score.per_core.push(count.right as f64 / spent);
        score
            .per_second
            .push(count.right as f64 / took.as_secs_f64());
        score.latency.add(&count.latency)?;
    }
    Ok(())
}

/// Runs a generator on a thread that never sleeps: to wake it is a server's work, which on a virtual machine costs as
/// much as the rest of a small call, and the slower of two contenders would have to do it more often.
async fn sleepless<T: Send + 'static>(
    generator: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let awake = tokio::spawn(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
            let generated = generator.await;
            awake.abort();
            generated
        })
    });
    thread.await?
}

impl Score {
    fn none(contender: &Contender) -> Self {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3);
        Self {
            name: contender.name.clone(),
            per_core: Vec::new(),
            per_second: Vec::new(),
            latency: latency.expect("the bounds are legal"),
        }
    }
}

/// The median over rounds of one value over another of the same round, and its quartiles.
pub fn ratio(own: &[f64], others: &[f64]) -> (f64, [f64; 2]) {
    let pairs = own.iter().zip(others);
    let ratios: Vec<f64> = pairs.map(|(own, other)| own / other).collect();
    (
        median(&ratios),
        [quantile(&ratios, 0.25), quantile(&ratios, 0.75)],
    )
}

/// The middle of the values.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

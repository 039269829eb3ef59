//! Measures Stoa against the libraries it stands on and against its peers.
//!
//! Machines drift and neighbours disturb, so nothing here is absolute: contenders take turns
//! of a second, speed is requests per second of processor time, and what counts is the ratio
//! of two contenders within one round, its median over all rounds. `docs/benchmarks.md` tells
//! the method and the results.

mod call;
mod checkouts;
mod child;
mod client;
mod commits;
mod contest;
mod cores;
mod crowd;
mod edges;
mod engines;
mod facts;
mod instructions;
mod load;
mod pages;
mod peer;
mod proxies;
mod report;
mod serve;
mod shop;
mod start;
mod tables;
mod turns;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use report::Report;
use serve::Kind;

/// The command line.
#[derive(Debug, Parser)]
#[command(about = "Ratios of speed against the bare libraries and against peers, in one run")]
struct Cli {
    /// Fewer and shorter rounds: a smoke test, no measurement
    #[arg(long)]
    quick: bool,
    /// Only these parts; may be repeated
    #[arg(long = "only", value_name = "PART")]
    only: Vec<Part>,
    /// Where the results go as JSON lines, beside the table on standard output
    #[arg(long, value_name = "FILE", default_value = "target/bench.jsonl")]
    json: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A server under test; prints its address, a token for it and its key
    #[command(hide = true)]
    Serve {
        /// Which one
        kind: Kind,
        /// The server behind a proxy
        #[arg(long)]
        upstream: Option<String>,
    },
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The edge against the bare libraries
    Edges,
    /// The edge against the bare library in instructions, under valgrind; by name alone
    Instructions,
    /// The gateway against Envoy, bare and doing the same work
    Proxies,
    /// The whole chain of a client against tonic's bare channel
    Client,
    /// Time to ready and memory
    Start,
    /// Checkouts against the same by hand, and against what the databases commit
    Checkouts,
    /// Facts on their way to who must know, in process and over NATS, against what the broker acknowledges
    Facts,
    /// Checkouts against DBOS and Restate; runs when it is asked for by name alone
    Engines,
    /// The pages in a real browser, on a slow phone
    Pages,
}

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Turns of each contender.
    pub rounds: usize,
    /// The length of a turn.
    pub turn: Duration,
    /// Checkouts in all.
    pub checkouts: u64,
    /// Facts of a turn.
    pub facts: u64,
    /// Visits of each page.
    pub visits: usize,
    /// The length of a turn under valgrind, which makes a server some fifty times slower.
    pub counted_turn: Duration,
}

impl Effort {
    const FULL: Self = Self {
        rounds: 10,
        turn: Duration::from_secs(1),
        checkouts: 1_000,
        facts: 20_000,
        visits: 5,
        counted_turn: Duration::from_secs(10),
    };
    const QUICK: Self = Self {
        rounds: 3,
        turn: Duration::from_millis(200),
        checkouts: 100,
        facts: 1_000,
        visits: 1,
        counted_turn: Duration::from_secs(3),
    };
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(Command::Serve { kind, upstream }) = cli.command {
        return serve::run(kind, upstream).await;
    }
    let effort = if cli.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let mut report = Report::create(&cli.json)?;
    let measured = measure(&cli.only, effort, &mut report).await;
    report.print(); // also what came before a failure
    measured
}

async fn measure(only: &[Part], effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let wanted = |part| only.is_empty() || only.contains(&part);
    cores::pin_generator()?;
    if wanted(Part::Edges) {
        edges::run(effort, report).await?;
    }
    if wanted(Part::Proxies) {
        proxies::run(effort, report).await?;
    }
    if wanted(Part::Client) {
        client::run(effort, report).await?;
    }
    cores::unpin()?;
    if only.contains(&Part::Instructions) {
        instructions::run(effort, report).await?;
    }
    if wanted(Part::Start) {
        start::run(effort, report).await?;
    }
    if wanted(Part::Checkouts) {
        checkouts::run(effort, report).await?;
    }
    if wanted(Part::Facts) {
        facts::run(effort, report).await?;
    }
    if only.contains(&Part::Engines) {
        engines::run(effort, report).await?;
    }
    if wanted(Part::Pages) {
        pages::run(effort, report)?;
    }
    Ok(())
}

/// A bar on standard error for `length` steps of `what`.
pub fn bar(length: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:32} {wide_bar} {pos}/{len} {eta}");
    let bar = ProgressBar::new(length as u64).with_message(what.to_owned());
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

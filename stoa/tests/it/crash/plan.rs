//! What a trial shall be: `just crash --help`.

use clap::{Parser, ValueEnum};

/// Kills Stoa at random moments of many checkouts, and lets the auditor judge.
#[derive(Clone, Debug, Parser)]
#[command(name = "just crash", no_binary_name = true)]
pub struct Plan {
    /// How many checkouts.
    #[arg(long, default_value_t = 100)]
    pub trials: usize,
    /// Decides what is bought, how it is paid, who dies and when. Default: a new one, printed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where the services keep their rows.
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    pub database: Engine,
    /// `up` dies as a whole; of `split`, one of order, payment and inventory does.
    #[arg(long, value_enum, default_value_t = Shape::Up)]
    pub shape: Shape,
    /// Switches one protection off, or the danger: the run must turn red.
    #[arg(long, value_enum)]
    pub sabotage: Option<Sabotage>,
    /// How many customers order at once.
    #[arg(long, default_value_t = 10)]
    pub clients: usize,
}

/// The databases under the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A file per service.
    Sqlite,
    /// A database per service on one real server, with fsync on.
    Postgres,
}

/// How many processes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// `stoa up`.
    Up,
    /// `stoa serve` of every target.
    Split,
}

/// A protection that is off: taken away where it acts, in the databases, so the program has no
/// switch for it. Or a run that proves nothing, since nothing is sold or nothing is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// No record under the idempotency key: each answer is forgotten once it is sealed.
    Keys,
    /// A saga in memory alone: what is still to do is forgotten at each death.
    Saga,
    /// Answers before the disk has them: at each death the orders of the last seconds are gone
    /// (SQLite).
    Disk,
    /// Every payment is declined: nobody ever gets what he ordered.
    Declined,
    /// Kills come when everybody has gone home: none meets an order.
    Idle,
}

impl Sabotage {
    /// How a finding begins of which one must be made. An order that the disk lost is missed by
    /// whoever was told of it, or by the stock it holds if the kill came before that.
    pub const fn breaks(self) -> &'static [&'static str] {
        match self {
            Self::Keys => &["I8:"],
            Self::Saga => &["I3:"],
            Self::Disk => &["I9:", "I1:"],
            Self::Declined => &[super::verdict::NOTHING_SOLD],
            Self::Idle => &[super::verdict::NOTHING_UNDER_WAY],
        }
    }
}

impl Plan {
    /// Reads a plan as `just crash` hands it over.
    pub fn read(arguments: &str) -> Self {
        match Self::try_parse_from(arguments.split_whitespace()) {
            Ok(plan) => plan,
            Err(error) => error.exit(),
        }
    }
}

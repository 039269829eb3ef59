//! What a trial came to, on one line.

use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::plan::Plan;

/// From the restart to the end of every order that was under way, but for one in a hundred.
const TERMINAL_MAX: Duration = Duration::from_secs(10);

/// A trial in which nobody got what he paid for shows that nothing works, safely.
pub const NOTHING_SOLD: &str = "R-02: no order that was paid for was ever CONFIRMED";
/// A trial whose kills met no order shows that an idle shop can be restarted.
pub const NOTHING_UNDER_WAY: &str = "R-02: no order that somebody knew of was under way at a kill";

/// The sum of a trial.
pub struct Verdict {
    pub plan: Plan,
    pub seed: u64,
    /// For each kill, how many orders somebody had been told of that were not at their end.
    pub under_way: Vec<usize>,
    /// Orders that were paid for and CONFIRMED.
    pub sold: usize,
    /// Checkouts that a kill fell into, by how long after the restart they ended.
    pub ended_after: Vec<Duration>,
    /// Promises broken before customers, and what the auditor found.
    pub broken: Vec<String>,
    pub took: Duration,
}

impl Verdict {
    /// Finds whether the trial proves anything, and prints one JSON line.
    pub fn judge(&mut self) {
        self.ended_after.sort_unstable();
        let p99 = self.p99();
        if let Some(late) = p99.filter(|p99| *p99 > TERMINAL_MAX) {
            self.broken
                .push(format!("orders end within p99 {late:?} after a restart"));
        }
        if self.sold == 0 {
            self.broken.push(NOTHING_SOLD.to_owned());
        }
        if self.met() == 0 {
            self.broken.push(NOTHING_UNDER_WAY.to_owned());
        }
        println!("{}", self.line(p99));
    }

    /// Kills that met an order.
    fn met(&self) -> usize {
        let met = self.under_way.iter();
        met.filter(|under_way| **under_way > 0).count()
    }

    fn p99(&self) -> Option<Duration> {
        let rank = (self.ended_after.len() * 99).div_ceil(100);
        self.ended_after.get(rank.checked_sub(1)?).copied()
    }

    fn line(&self, p99: Option<Duration>) -> Value {
        // What N clean trials bound the rate of failures to, with 95 % confidence.
        let kills = self.under_way.len();
        let upper95 = (self.broken.is_empty() && kills > 0)
            .then(|| 3.0 / f64::from(u32::try_from(kills).unwrap_or(u32::MAX)));
        json!({
            "id": "R-02",
            "tier": if kills >= 3000 { "T1" } else { "T0" },
            "shape": name(self.plan.shape),
            "database": name(self.plan.database),
            "sabotage": self.plan.sabotage.map(name),
            "seed": self.seed,
            "checkouts": self.plan.trials,
            "trials": kills,
            "sold": self.sold,
            "kills_that_met_an_order": self.met(),
            "under_way_at_a_kill": self.under_way.iter().sum::<usize>(),
            "checkouts_with_a_kill": self.ended_after.len(),
            "terminal_p99_ms": p99.map(millis),
            "terminal_max_ms": self.ended_after.last().copied().map(millis),
            "violations": self.broken.len(),
            "upper95": upper95,
            "seconds": self.took.as_secs(),
            "commit": commit(),
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn name(value: impl ValueEnum) -> String {
    let value = value.to_possible_value().expect("no value is hidden");
    value.get_name().to_owned()
}

fn commit() -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|commit| !commit.is_empty())
}

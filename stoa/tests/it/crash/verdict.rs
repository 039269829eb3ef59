//! What a trial came to, on one line.

use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::plan::Plan;

/// From the restart to the end of every order that was under way, but for one in a hundred.
const TERMINAL_MAX: Duration = Duration::from_secs(10);

/// The sum of a trial.
pub struct Verdict {
    pub plan: Plan,
    pub seed: u64,
    pub kills: usize,
    /// Orders that were under way at a death, by how long after the restart they ended.
    pub ended_after: Vec<Duration>,
    /// Promises broken before customers, and what the auditor found.
    pub broken: Vec<String>,
    pub took: Duration,
}

impl Verdict {
    /// Prints one JSON line.
    pub fn print(&mut self) {
        self.ended_after.sort_unstable();
        let p99 = self.p99();
        if let Some(late) = p99.filter(|p99| *p99 > TERMINAL_MAX) {
            self.broken
                .push(format!("orders end within p99 {late:?} after a restart"));
        }
        println!("{}", self.line(p99));
    }

    fn p99(&self) -> Option<Duration> {
        let rank = (self.ended_after.len() * 99).div_ceil(100);
        self.ended_after.get(rank.checked_sub(1)?).copied()
    }

    fn line(&self, p99: Option<Duration>) -> Value {
        // What N clean trials bound the rate of failures to, with 95 % confidence.
        let upper95 = (self.broken.is_empty() && self.kills > 0)
            .then(|| 3.0 / f64::from(u32::try_from(self.kills).unwrap_or(u32::MAX)));
        json!({
            "id": "R-02",
            "tier": if self.kills >= 3000 { "T1" } else { "T0" },
            "shape": name(self.plan.shape),
            "database": name(self.plan.database),
            "sabotage": self.plan.sabotage.map(name),
            "seed": self.seed,
            "checkouts": self.plan.trials,
            "trials": self.kills,
            "under_way_at_a_kill": self.ended_after.len(),
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

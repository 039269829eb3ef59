//! How soon the whole shop is ready, and how much memory it takes.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use crate::contest::median;
use crate::cores::resident_mib;
use crate::report::{Goal, Report};
use crate::shop::Shop;
use crate::{Effort, bar};

/// How soon a seeded shop should be ready, in seconds.
const READY_GOAL: f64 = 1.0;
/// What it may take when nothing happens, in MiB.
const IDLE_GOAL: f64 = 60.0;
/// When a shop that nobody visits has come to rest.
const REST: Duration = Duration::from_secs(2);

/// Measures.
///
/// # Errors
/// The shop does not start.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let bar = bar(effort.rounds + 1, "Time to ready");
    let seeding = Shop::up(&data, &HashMap::new())?.ready_after;
    bar.inc(1);
    let (mut ready, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let shop = Shop::up(&data, &HashMap::new())?;
        ready.push(shop.ready_after.as_secs_f64());
        tokio::time::sleep(REST).await;
        idle.push(resident_mib(shop.child.id())?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.add(
        "stoa up, ready on a seeded folder",
        median(&ready),
        "s",
        Goal::AtMost(READY_GOAL),
        json!({"first start with demo data s": seeding.as_secs_f64(), "starts": ready.len()}),
    )?;
    report.add(
        "stoa up, memory idle",
        median(&idle),
        "MiB",
        Goal::AtMost(IDLE_GOAL),
        json!({"starts": idle.len()}),
    )
}

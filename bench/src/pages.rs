//! How the pages feel on a slow phone: what `web-client/e2e/vitals.ts` sees in a real Chromium.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::contest::median;
use crate::report::{Goal, Report};
use crate::shop::program;
use crate::{Effort, bar};

/// When a page should have shown what it is about, in milliseconds.
const LCP_GOAL: f64 = 2_500.0;
/// How late a page may answer a press or a key, in milliseconds.
const INP_GOAL: f64 = 150.0;
/// How much a page may move while it loads: the sum of its layout shifts.
const CLS_GOAL: f64 = 0.02;

/// One visit of one page.
#[derive(Debug, Deserialize)]
struct Visit {
    page: String,
    lcp_ms: f64,
    cls: f64,
    inp_ms: f64,
}

/// Measures.
///
/// # Errors
/// There is no Node or no browser, or a page breaks.
pub fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("vitals.jsonl");
    let bar = bar(1, "Pages on a slow phone");
    let walked = Command::new("npm")
        .args(["run", "--silent", "vitals"])
        .current_dir("web-client")
        .env("STOA", program()?)
        .env("ROUNDS", effort.visits.to_string())
        .env("VITALS", &file)
        .output()
        .context("run npm in web-client: is Node installed?")?;
    bar.finish_and_clear();
    ensure!(
        walked.status.success(),
        "the pages could not be measured:\n{}",
        String::from_utf8_lossy(&walked.stdout)
    );
    for (page, visits) in by_page(&file)? {
        let mut add = |name: &str, unit: &str, figure: fn(&Visit) -> f64, goal: f64| {
            let values: Vec<_> = visits.iter().map(figure).collect();
            report.add(
                &format!("{page}: {name}"),
                median(&values),
                unit,
                Goal::AtMost(goal),
                json!({"visits": visits.len()}),
            )
        };
        add("LCP", "ms", |visit| visit.lcp_ms, LCP_GOAL)?;
        add("INP", "ms", |visit| visit.inp_ms, INP_GOAL)?;
        add("CLS", "", |visit| visit.cls, CLS_GOAL)?;
    }
    Ok(())
}

fn by_page(file: &Path) -> anyhow::Result<BTreeMap<String, Vec<Visit>>> {
    let mut pages: BTreeMap<String, Vec<Visit>> = BTreeMap::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let visit: Visit = serde_json::from_str(line)?;
        pages.entry(visit.page.clone()).or_default().push(visit);
    }
    ensure!(!pages.is_empty(), "no page was measured");
    Ok(pages)
}

//! `stoa audit`: whether money, stock and promises add up.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clock::Clock;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use sql::Database;
use tokio::time::Instant;

use crate::audit::{Finding, audit, read_history, rows};
use crate::commands::migrate;
use crate::config::Config;
use crate::schema;
use crate::services::SERVICES;

/// How often a system that is still moving is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many breaches of one invariant are printed.
const BREACHES_SHOWN: usize = 20;

/// Reads all databases and prints what was found; exit 1 on a breach.
///
/// # Errors
///
/// A database or a history that cannot be read, or that is not there: nothing is known then.
pub async fn run(
    config: &Config,
    history: Option<&Path>,
    settle: Duration,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let history = history.map(read_history).transpose()?;
    let mut databases = Vec::new();
    for slice in SERVICES.iter() {
        let db = migrate::open_there(config, slice.name, "audit").await?;
        schema::usable(&db).await?;
        databases.push(db);
    }
    let rows = settled(&databases, settle).await?;
    let findings = audit(&rows, history.as_deref());
    if json {
        println!(
            "{}",
            serde_json::to_string(&findings).context("cannot print findings")?
        );
    } else {
        print(&findings);
    }
    let sound = findings.iter().all(|finding| finding.breaches.is_empty());
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The rows of a quiet system, or of one that does not come to rest in time,
/// which is a finding of its own.
async fn settled(databases: &[Database], patience: Duration) -> anyhow::Result<rows::Rows> {
    let until = Instant::now() + patience;
    loop {
        let rows = rows::read(databases, Clock::system().now())
            .await
            .context("cannot read the databases")?;
        if rows.is_quiet() || Instant::now() >= until {
            return Ok(rows);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn print(findings: &[Finding]) {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(["", "always true", "checked", "breaches"]);
    for finding in findings {
        let (checked, breaches) = match finding.checked {
            Some(checked) => (checked.to_string(), finding.breaches.len().to_string()),
            None => ("not checked".to_owned(), String::new()),
        };
        table.add_row([finding.id, finding.claim, &checked, &breaches]);
    }
    println!("{table}");
    for finding in findings {
        for breach in finding.breaches.iter().take(BREACHES_SHOWN) {
            println!("{}: {breach}", finding.id);
        }
        if let Some(more) = finding
            .breaches
            .len()
            .checked_sub(BREACHES_SHOWN)
            .filter(|more| *more > 0)
        {
            println!("{}: and {more} more", finding.id);
        }
    }
}

//! What was measured: a JSON line at once, so that a run that is cut leaves what it had, and
//! a table at the end.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// At least.
    AtLeast(f64),
    /// At most.
    AtMost(f64),
    /// Shown for orientation alone.
    None,
}

impl Goal {
    fn met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(limit) => Some(value >= limit),
            Self::AtMost(limit) => Some(value <= limit),
            Self::None => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(limit) => format!("≥ {limit}"),
            Self::AtMost(limit) => format!("≤ {limit}"),
            Self::None => String::new(),
        }
    }
}

/// The results of a run.
pub struct Report {
    lines: File,
    table: Table,
}

impl Report {
    /// Begins a file of results.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lines = File::create(path).with_context(|| format!("write {}", path.display()))?;
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(["measure", "value", "goal", "", "detail"]);
        Ok(Self { lines, table })
    }

    /// Notes a figure; `detail` is an object that says how it came about.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(
        &mut self,
        measure: &str,
        value: f64,
        unit: &str,
        goal: Goal,
        detail: Value,
    ) -> anyhow::Result<()> {
        let met = goal.met(value);
        let line = json!({
            "measure": measure, "value": value, "unit": unit,
            "goal": goal.text(), "met": met, "detail": detail,
        });
        writeln!(self.lines, "{line}")?;
        let verdict = met.map_or("", |met| if met { "met" } else { "MISSED" });
        let value = format!("{} {unit}", figure(value));
        self.table
            .add_row([measure, &value, &goal.text(), verdict, &words(&detail)]);
        Ok(())
    }

    /// Notes that something was not measured, and why.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn not_run(&mut self, measure: &str, why: &str) -> anyhow::Result<()> {
        writeln!(
            self.lines,
            "{}",
            json!({"measure": measure, "not_run": why})
        )?;
        self.table.add_row([measure, "not run", "", "", why]);
        Ok(())
    }

    /// Shows the table.
    pub fn print(&self) {
        println!("{}", self.table);
    }
}

fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn words(detail: &Value) -> String {
    let Some(fields) = detail.as_object() else {
        return String::new();
    };
    let words = fields.iter().map(|(name, value)| match value.as_f64() {
        Some(value) => format!("{name} {}", figure(value)),
        None => format!("{name} {}", value.as_str().unwrap_or_default()),
    });
    words.collect::<Vec<_>>().join(", ")
}

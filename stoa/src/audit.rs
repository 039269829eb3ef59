//! The auditor: reads every service's database and says whether money, stock
//! and promises add up.
//!
//! This is the one place that looks into all databases at once. It only reads,
//! it calls no service, and it shares no rule with them: a mistake made there
//! must not be made here too. Run on a quiet system; [`rows::Rows`] is what it
//! reads, and each check is a pure function of it.

mod end;
mod facts;
mod history;
mod money;
mod promise;
pub mod rows;
mod stock;
#[cfg(test)]
mod tests;

pub use history::{Entry, read as read_history};

use rows::Rows;

/// What one invariant came to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Finding {
    /// `I1` to `I10`.
    pub id: &'static str,
    /// What is always true.
    pub claim: &'static str,
    /// How many things were looked at; none where it could not be checked.
    pub checked: Option<usize>,
    /// One sentence per breach.
    pub breaches: Vec<String>,
}

impl Finding {
    fn new(id: &'static str, claim: &'static str) -> Self {
        Self {
            id,
            claim,
            checked: Some(0),
            breaches: Vec::new(),
        }
    }

    fn not_checked(id: &'static str, claim: &'static str) -> Self {
        Self {
            id,
            claim,
            checked: None,
            breaches: Vec::new(),
        }
    }

    /// Counts one thing looked at, and notes the breach if there is one.
    fn check(&mut self, holds: bool, breach: impl FnOnce() -> String) {
        self.checked = Some(self.checked.unwrap_or_default() + 1);
        if !holds {
            self.breaches.push(breach());
        }
    }
}

/// Checks all that can be checked today. Without a history of what clients
/// were told, I8 and I9 cannot; I4, I5, I7 and I10 come with the event bus.
pub fn audit(rows: &Rows, history: Option<&[Entry]>) -> Vec<Finding> {
    let (idempotency, durability) = match history {
        Some(history) => (
            promise::idempotency(rows, history),
            promise::durability(rows, history),
        ),
        None => (
            Finding::not_checked("I8", promise::IDEMPOTENCY),
            Finding::not_checked("I9", promise::DURABILITY),
        ),
    };
    vec![
        stock::check(rows),
        money::check(rows),
        end::check(rows, history.unwrap_or_default()),
        Finding::not_checked(
            "I4",
            "every committed fact is in the inbox of every subscriber",
        ),
        Finding::not_checked("I5", "exactly one effect per consumer and event"),
        facts::check(rows),
        Finding::not_checked("I7", "a read model is the fold of its facts"),
        idempotency,
        durability,
        Finding::not_checked("I10", "answers to one user do not depend on another's data"),
    ]
}

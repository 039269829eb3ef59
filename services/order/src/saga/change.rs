//! From the core's commands to rows: what one event makes of an order, and how all of it is written in
//! one transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::Clock;
use events::{Fact, outbox};
use sea_orm::DbErr;
use sql::Transaction;
use telemetry::TraceContext;
use uuid::Uuid;

use crate::answer::CreateOrderAnswer;
use crate::error::Error;
use crate::event;
use crate::saga::checkout::{self, Action, Event, Rules};
use crate::saga::record::{Lease, LogEntry, LogKind, Record};
use crate::saga::step::{Step, Task};
use crate::store;

/// Attempts of one task that are all told of in the timeline. One that is tried for days would get
/// a line every few seconds, so of those after these only the 32nd, the 64th and so on are, and the
/// one that ends the task.
const TOLD_ALL: u32 = 20;

/// Who writes, when, and what is known of the attempt that was answered.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// The driver that goes on with what is pending.
    pub driver: Uuid,
    /// Now.
    pub now: DateTime<Utc>,
    /// How long the peer took.
    pub took: Duration,
    /// What a person said about it; empty if nothing.
    pub note: String,
}

/// What an event makes of an order.
#[derive(Clone, Debug)]
pub struct Changeset {
    /// The order and its saga from now on.
    pub record: Record,
    /// The answer of CreateOrder, if it is known by now.
    pub answer: Option<CreateOrderAnswer>,
    facts: Vec<Fact>,
    entries: Vec<LogEntry>,
}

/// What `event` makes of `before`; none if it changes nothing.
///
/// # Errors
/// [`Error::Cancel`] for a cancellation that is not allowed.
pub fn change(
    rules: &Rules,
    before: &Record,
    event: Event,
    on: &Occasion,
) -> Result<Option<Changeset>, Error> {
    let (state, commands) = checkout::step(rules, &before.saga.state, event, on.now)?;
    if commands.is_empty() {
        return Ok(None);
    }
    let mut change = Changeset {
        record: before.clone(),
        answer: None,
        facts: Vec::new(),
        entries: Vec::new(),
    };
    let trace_id = TraceContext::parse(&before.saga.origin.traceparent)
        .map(|trace| trace.trace_id_hex())
        .unwrap_or_default();
    let mut transaction_id = None;
    for command in commands {
        match command {
            Action::Log {
                task,
                attempt,
                outcome,
            } => {
                let is_over = state.pending().is_none_or(|next| next.task != task);
                if is_over || attempt <= TOLD_ALL || attempt.is_power_of_two() {
                    let entry = tried(task, attempt, outcome, &trace_id, on);
                    change.entries.push(entry);
                }
            }
            Action::NoteTransaction(id) => transaction_id = Some(id),
            Action::Enter(status, reason) => {
                let order = &mut change.record.order;
                order.advance(status, reason, on.now)?;
                change.facts.push(event::of(order, transaction_id.take()));
                let outcome = match reason {
                    Some(_) if !on.note.is_empty() => on.note.clone(),
                    Some(reason) => reason.name().to_owned(),
                    None => "entered".to_owned(),
                };
                change.entries.push(entered(
                    event::status_name(status),
                    outcome,
                    &trace_id,
                    on.now,
                ));
            }
            Action::Settle => change.answer = Some(CreateOrderAnswer::about(&change.record.order)),
            Action::Call(_) => {} // the state holds it
        }
    }
    let saga = &mut change.record.saga;
    saga.revision += 1;
    saga.lease = state.pending().map(|_| Lease::new(on.driver, on.now));
    saga.state = state;
    Ok(Some(change))
}

/// The line of the timeline about a status.
pub fn entered(status: &str, outcome: String, trace_id: &str, at: DateTime<Utc>) -> LogEntry {
    LogEntry {
        at,
        step: status.to_owned(),
        kind: LogKind::Status,
        attempt: 0,
        outcome,
        duration_ms: 0,
        trace_id: trace_id.to_owned(),
    }
}

fn tried(task: Task, attempt: u32, outcome: &str, trace_id: &str, on: &Occasion) -> LogEntry {
    let took = match task {
        Task::Do(Step::ConfirmOrder) => Duration::ZERO, // ours: it takes no longer than its commit
        Task::Do(_) | Task::Undo(_) => on.took,
    };
    LogEntry {
        at: on.now,
        step: task.name().to_owned(),
        kind: match task {
            Task::Do(_) => LogKind::Step,
            Task::Undo(_) => LogKind::Undo,
        },
        attempt: i32::try_from(attempt).unwrap_or(i32::MAX),
        outcome: outcome.to_owned(),
        duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
        trace_id: trace_id.to_owned(),
    }
}

impl Changeset {
    /// This change and those before it, none of which is written yet, as one.
    #[must_use]
    pub fn after(mut self, mut before: Self) -> Self {
        self.record.saga.revision = before.record.saga.revision;
        before.facts.append(&mut self.facts);
        before.entries.append(&mut self.entries);
        Self {
            facts: before.facts,
            entries: before.entries,
            ..self
        }
    }

    /// Whether it moves the order to another status.
    pub fn moves_order(&self) -> bool {
        !self.facts.is_empty()
    }

    /// Writes all of it. When the saga has moved on since it was read, the commit fails with
    /// [`DbErr::RecordNotUpdated`] and nothing is written.
    ///
    /// # Errors
    /// The database failed.
    pub async fn write(&self, txn: &Transaction, clock: &Clock) -> Result<(), DbErr> {
        let Record { order, saga } = &self.record;
        store::saga::update(txn, order.id, saga).await?;
        if !self.facts.is_empty() {
            store::order::update(txn, order).await?;
        }
        let facts = self.facts.iter().cloned();
        outbox::push_all(txn, clock, &saga.origin, facts).await?;
        store::saga_log::insert(txn, order.id, saga.revision, self.entries.clone()).await?;
        if let Some(answer) = &self.answer {
            // It may be sealed already: with PENDING by one who would wait no longer, or by the
            // checkout that is now cancelled.
            command::seal(txn, saga.key.as_ref(), order.created_at, answer).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

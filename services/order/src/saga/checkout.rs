//! The pure core of the checkout: a state, an event and the time give the next state and its commands.
//!
//! No I/O, no clock, no randomness: the same call always gives the same answer. The table it implements
//! stands in the module above; steps and their undos stand side by side in [`Step`].

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::order::{EndReason, Status};
use crate::saga::step::{Step, Task, Undo};

/// One try of a task: what a driver carries out and what an answer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// What is asked.
    pub task: Task,
    /// Which try it is, from 1.
    pub number: u32,
    /// Not to be asked before.
    pub due: DateTime<Utc>,
}

/// How far a saga is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// A step is asked for and not answered.
    Doing {
        /// The step.
        step: Step,
        /// The last that may have been asked for: this one, or one after it once a driver was lost, which may have
        /// run ahead of what it saved.
        reach: Step,
        /// The try that is out, from 1.
        attempt: u32,
        /// When its first try was asked for: its budget runs from here.
        since: DateTime<Utc>,
        /// When the try that is out may be asked.
        due: DateTime<Utc>,
    },
    /// Effects are being given back.
    Undoing {
        /// Still to be done, never empty; the first is asked for.
        undos: Vec<Undo>,
        /// The try of the first that is out, from 1.
        attempt: u32,
        /// When the try that is out may be asked.
        due: DateTime<Utc>,
        /// How the order ends once they are done: REJECTED or CANCELLED, and why.
        end: (Status, EndReason),
    },
    /// Nothing is pending.
    AtRest,
}

/// All the core knows of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Where the order stands.
    pub status: Status,
    /// How far its saga is.
    pub progress: Progress,
    /// When it became CONFIRMED: the time to cancel runs from here.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// What a peer answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reply {
    /// The effect is there. Of a charge, the provider's transaction.
    Done(Option<String>),
    /// This attempt had no effect, for a business reason that no retry changes.
    Refused,
    /// Nobody knows whether there was an effect; the code that came instead of an answer.
    Failed(&'static str),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A peer answered, or did not.
    Answered {
        /// What it was asked.
        task: Task,
        /// Which try it answers.
        attempt: u32,
        /// What it said.
        answer: Reply,
    },
    /// A person wants the order undone; why.
    CancelAsked(EndReason),
    /// A driver took over a saga whose last driver is gone: what that one asked may have been done, and it may have
    /// run ahead of what it saved.
    Resumed,
}

/// What the driver must do: the first four in the transaction of the new state, the call after its commit, or before
/// it where it [may run ahead](State::may_run_ahead).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write a line of the timeline about an answered attempt.
    Log {
        /// What was asked.
        task: Task,
        /// Which try it was.
        attempt: u32,
        /// What came of it, in a word.
        outcome: &'static str,
    },
    /// Move the order to this status and tell the world.
    Enter(Status, Option<EndReason>),
    /// Tell the world which transaction paid: the payload of `order.paid`.
    NoteTransaction(String),
    /// The outcome of CreateOrder is known: seal its answer.
    Settle,
    /// Ask a peer.
    Call(Attempt),
}

/// A cancellation that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The order ended without being bought.
    #[error("a {0:?} order cannot be cancelled")]
    Ended(Status),
    /// The order was confirmed too long ago.
    #[error("the order was confirmed at {0} and can no longer be cancelled")]
    TooLate(DateTime<Utc>),
}

/// The numbers of the core.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long a step is tried.
    pub step_budget: Duration,
    /// How long after confirmation a person may cancel.
    pub cancel_window: Duration,
    /// The wait before the second try; doubled for each further one.
    pub backoff_first: Duration,
    /// The longest wait between tries.
    pub backoff_max: Duration,
}

impl Rules {
    /// How long to wait after `attempt` tries failed.
    fn backoff(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(16);
        (self.backoff_first * (1 << doublings)).min(self.backoff_max)
    }
}

impl State {
    /// The attempt that is out, to be carried out again after a crash.
    pub fn pending(&self) -> Option<Attempt> {
        match &self.progress {
            Progress::Doing {
                step, attempt, due, ..
            } => Some(Attempt {
                task: Task::Do(*step),
                number: *attempt,
                due: *due,
            }),
            Progress::Undoing {
                undos,
                attempt,
                due,
                ..
            } => Some(Attempt {
                task: Task::Undo(undos[0]),
                number: *attempt,
                due: *due,
            }),
            Progress::AtRest => None,
        }
    }

    /// Whether what comes of this state may be saved together with what comes of that: a step was taken, and the next
    /// is only asked for. Whoever reads the state before takes every later step for asked.
    pub fn may_run_ahead(&self, next: &Self) -> bool {
        match (&self.progress, &next.progress) {
            (Progress::Doing { step: taken, .. }, Progress::Doing { step, .. }) => taken < step,
            _ => false,
        }
    }
}

/// The state of an order that was just accepted.
pub fn accepted(now: DateTime<Utc>) -> (State, Vec<Action>) {
    let mut next = Next::of(State {
        status: Status::Pending,
        progress: Progress::AtRest,
        confirmed_at: None,
    });
    next.ask(Step::ReserveInventory, now);
    next.end()
}

/// The next state and what to do about it. An event that changes nothing gives the same state and no command.
pub fn step(
    rules: &Rules,
    state: &State,
    event: Event,
    now: DateTime<Utc>,
) -> Result<(State, Vec<Action>), Illegal> {
    let mut next = Next::of(state.clone());
    match event {
        Event::Answered {
            task,
            attempt,
            answer,
        } => next.answered(rules, task, attempt, answer, now),
        Event::CancelAsked(reason) => next.cancel(rules, reason, now)?,
        Event::Resumed => next.resumed(rules, now),
    }
    Ok(next.end())
}

/// A state on its way to the next one, with the commands collected so far.
struct Next {
    state: State,
    commands: Vec<Action>,
}

impl Next {
    fn of(state: State) -> Self {
        Self {
            state,
            commands: Vec::with_capacity(4),
        }
    }

    fn end(self) -> (State, Vec<Action>) {
        (self.state, self.commands)
    }

    fn answered(
        &mut self,
        rules: &Rules,
        task: Task,
        attempt: u32,
        answer: Reply,
        now: DateTime<Utc>,
    ) {
        let Some(pending) = self.state.pending().filter(|pending| pending.task == task) else {
            return;
        };
        // A late success of an earlier try is a success; a late refusal or failure says nothing of the last one.
        let counts = match answer {
            Reply::Done(_) => attempt <= pending.number,
            Reply::Refused | Reply::Failed(_) => attempt == pending.number,
        };
        if !counts {
            return;
        }
        let outcome = match &answer {
            Reply::Done(_) => "done",
            Reply::Refused => "refused",
            Reply::Failed(code) => code,
        };
        self.commands.push(Action::Log {
            task,
            attempt,
            outcome,
        });
        match (task, answer) {
            (Task::Do(step), Reply::Done(reference)) => self.step_done(step, reference, now),
            (Task::Do(step), Reply::Refused) => self.step_refused(step, attempt, now),
            (Task::Do(step), Reply::Failed(_)) => self.step_failed(rules, step, now),
            (Task::Undo(_), Reply::Done(_)) => self.undo_done(now),
            (Task::Undo(_), Reply::Refused | Reply::Failed(_)) => self.undo_again(rules, now),
        }
    }

    fn step_done(&mut self, step: Step, reference: Option<String>, now: DateTime<Utc>) {
        match step {
            Step::ReserveInventory => self.ask(Step::ProcessPayment, now),
            Step::ProcessPayment => {
                self.commands
                    .push(Action::NoteTransaction(reference.unwrap_or_default()));
                self.enter(Status::Paid, None);
                self.ask(Step::CommitInventory, now);
            }
            Step::CommitInventory | Step::ConfirmOrder => {
                let confirm = Task::Do(Step::ConfirmOrder);
                self.commands.push(Action::Log {
                    task: confirm,
                    attempt: 1,
                    outcome: "done",
                });
                self.state.confirmed_at = Some(now);
                self.rest(Status::Confirmed, None);
            }
        }
    }

    fn step_refused(&mut self, refused: Step, attempt: u32, now: DateTime<Utc>) {
        let Progress::Doing { reach, .. } = self.state.progress else {
            return;
        };
        let undos = if attempt == 1 && reach == refused {
            refused.undos_before()
        } else {
            reach.undos_from_here()
        };
        self.unwind(undos, refused.reason_if_refused(), now);
    }

    fn step_failed(&mut self, rules: &Rules, failed: Step, now: DateTime<Utc>) {
        let Progress::Doing {
            reach,
            attempt,
            since,
            due,
            ..
        } = &mut self.state.progress
        else {
            return;
        };
        let deadline = *since + rules.step_budget;
        if now >= deadline {
            let undos = reach.undos_from_here();
            return self.unwind(undos, failed.reason_if_unavailable(), now);
        }
        // The last try is made at the deadline itself, so that a short budget is not wasted by a long wait.
        *due = (now + rules.backoff(*attempt)).min(deadline);
        *attempt += 1;
        self.call_pending();
    }

    fn undo_done(&mut self, now: DateTime<Utc>) {
        let Progress::Undoing { undos, end, .. } = &self.state.progress else {
            return;
        };
        let (left, end) = (undos[1..].to_vec(), *end);
        self.undo_all(left, end, now);
    }

    fn undo_again(&mut self, rules: &Rules, now: DateTime<Utc>) {
        let Progress::Undoing { attempt, due, .. } = &mut self.state.progress else {
            return;
        };
        *due = now + rules.backoff(*attempt);
        *attempt += 1;
        self.call_pending();
    }

    fn resumed(&mut self, rules: &Rules, now: DateTime<Utc>) {
        match &mut self.state.progress {
            Progress::Doing { step, since, .. } if now >= *since + rules.step_budget => {
                let undos = Step::LAST_ASKED.undos_from_here();
                let reason = step.reason_if_unavailable();
                return self.unwind(undos, reason, now);
            }
            Progress::Doing {
                reach,
                attempt,
                due,
                ..
            } => (*reach, *attempt, *due) = (Step::LAST_ASKED, *attempt + 1, now),
            Progress::Undoing { attempt, due, .. } => (*attempt, *due) = (*attempt + 1, now),
            Progress::AtRest => {}
        }
        self.call_pending();
    }

    fn cancel(
        &mut self,
        rules: &Rules,
        reason: EndReason,
        now: DateTime<Utc>,
    ) -> Result<(), Illegal> {
        let undos = match (&self.state.progress, self.state.status) {
            (_, Status::Cancelling | Status::Cancelled) => return Ok(()),
            (_, ended @ Status::Rejected) => return Err(Illegal::Ended(ended)),
            // Its driver may be ahead of what is known here.
            (Progress::Doing { .. }, _) => Step::LAST_ASKED.undos_from_here(),
            (
                Progress::Undoing {
                    undos,
                    attempt,
                    due,
                    ..
                },
                _,
            ) => {
                // The undo that is out stays out, under its own attempt: only the end changes.
                let (undos, attempt, due) = (undos.clone(), *attempt, *due);
                self.enter(Status::Cancelling, Some(reason));
                self.state.progress = Progress::Undoing {
                    undos,
                    attempt,
                    due,
                    end: (Status::Cancelled, reason),
                };
                self.call_pending();
                return Ok(());
            }
            (Progress::AtRest, _) => {
                let confirmed_at = self.state.confirmed_at.unwrap_or(now);
                if now >= confirmed_at + rules.cancel_window {
                    return Err(Illegal::TooLate(confirmed_at));
                }
                Step::LAST_ASKED.undos_from_here()
            }
        };
        self.enter(Status::Cancelling, Some(reason));
        self.undo_all(undos, (Status::Cancelled, reason), now);
        Ok(())
    }

    /// Gives up: the undos run, then the order is REJECTED. A paid order shows that as CANCELLING.
    fn unwind(&mut self, undos: Vec<Undo>, reason: EndReason, now: DateTime<Utc>) {
        if self.state.status == Status::Paid {
            self.enter(Status::Cancelling, Some(reason));
        }
        self.undo_all(undos, (Status::Rejected, reason), now);
    }

    fn undo_all(&mut self, undos: Vec<Undo>, end: (Status, EndReason), now: DateTime<Utc>) {
        if undos.is_empty() {
            return self.rest(end.0, Some(end.1));
        }
        self.state.progress = Progress::Undoing {
            undos,
            attempt: 1,
            due: now,
            end,
        };
        self.call_pending();
    }

    fn rest(&mut self, status: Status, reason: Option<EndReason>) {
        self.enter(status, reason);
        self.state.progress = Progress::AtRest;
        self.commands.push(Action::Settle);
    }

    fn enter(&mut self, status: Status, reason: Option<EndReason>) {
        self.state.status = status;
        self.commands.push(Action::Enter(status, reason));
    }

    fn ask(&mut self, step: Step, now: DateTime<Utc>) {
        let (reach, attempt) = match self.state.progress {
            // Somebody else may have made the first.
            Progress::Doing { reach, .. } if reach >= step => (reach, 2),
            _ => (step, 1),
        };
        self.state.progress = Progress::Doing {
            step,
            reach,
            attempt,
            since: now,
            due: now,
        };
        self.call_pending();
    }

    fn call_pending(&mut self) {
        self.commands.extend(self.state.pending().map(Action::Call));
    }
}

#[cfg(test)]
mod explore;
#[cfg(test)]
mod tests;

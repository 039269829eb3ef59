//! What is shared by all calls to one peer: its breaker, and what may be spent on trying again.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use call::{Code as WireCode, ConnectError};
use metrics::{Counter, counter, gauge};
use tokio::time::Instant;
use tonic::{Code, Status};
use tower::retry::budget::TpsBudget;

use crate::breaker::{Breaker, Circuit, Outcome, Ticket};
use crate::policy::Policy;

/// What may be spent on repeats: a fifth of the calls of ten seconds, and ten a second.
const BUDGET_TTL: Duration = Duration::from_secs(10);
const BUDGET_PER_SECOND: u32 = 10;
const BUDGET_SHARE: f32 = 0.2;

/// Stands before one peer.
pub(crate) struct Guard {
    peer: &'static str,
    pub(crate) policy: Policy,
    pub(crate) budget: TpsBudget,
    breaker: Option<Mutex<Watched>>,
    attempts: OnceLock<Counter>,
}

/// A breaker, and whether its gauge was ever set.
struct Watched {
    breaker: Breaker,
    shown: bool,
}

impl Guard {
    pub(crate) fn new(peer: &'static str, policy: Policy) -> Self {
        let watched = |rules| Watched {
            breaker: Breaker::new(rules, Instant::now()),
            shown: false,
        };
        Self {
            peer,
            policy,
            budget: TpsBudget::new(BUDGET_TTL, BUDGET_PER_SECOND, BUDGET_SHARE),
            breaker: policy.breaker.map(|rules| Mutex::new(watched(rules))),
            attempts: OnceLock::new(),
        }
    }

    /// Lets a call pass, which its peer has failed if nothing is said of it by `lost_at`, where lateness counts.
    ///
    /// # Errors
    /// `unavailable` with the time to come back, while the breaker is open.
    pub(crate) fn admit(&self, lost_at: Option<Instant>) -> Result<Permit<'_>, Status> {
        let lost_at = lost_at.filter(|_| self.policy.breaker.unwrap_or_default().answers);
        let admitted = self.with_breaker(|breaker, now| breaker.admit(now));
        match admitted.transpose() {
            Ok(ticket) => Ok(Permit {
                guard: self,
                ticket,
                lost_at,
            }),
            Err(after) => {
                let message = format!("{} failed too often and is left alone", self.peer);
                let error = ConnectError::new(WireCode::Unavailable, message);
                Err(call::error::with_retry_after(error, after).into())
            }
        }
    }

    /// A permit without a breaker.
    pub(crate) fn pass(&self) -> Permit<'_> {
        Permit {
            guard: self,
            ticket: None,
            lost_at: None,
        }
    }

    /// A request leaves.
    pub(crate) fn attempt(&self) {
        let attempts = self
            .attempts
            .get_or_init(|| counter!("rpc_client_attempts_total", "target" => self.peer));
        attempts.increment(1);
    }

    fn with_breaker<T>(&self, told: impl FnOnce(&mut Breaker, Instant) -> T) -> Option<T> {
        let watched = self.breaker.as_ref()?;
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        let before = watched.breaker.circuit();
        let result = told(&mut watched.breaker, Instant::now());
        let after = watched.breaker.circuit();
        if after != before || !watched.shown {
            watched.shown = true;
            gauge!("circuit_state", "target" => self.peer).set(f64::from(after as u8));
        }
        drop(watched);
        if after != before {
            self.log(after);
        }
        Some(result)
    }

    fn log(&self, circuit: Circuit) {
        let peer = self.peer;
        match circuit {
            Circuit::Open => tracing::warn!(peer, "A peer fails, it is not asked for a while"),
            Circuit::HalfOpen => {
                tracing::info!(
                    peer,
                    "A peer that failed is asked again, by one call at a time"
                );
            }
            Circuit::Closed => tracing::info!(peer, "A peer that failed is well again"),
        }
    }
}

/// A call that was let pass. Dropped, it says nothing of the peer, unless it was the peer's own time that ran out.
pub(crate) struct Permit<'a> {
    guard: &'a Guard,
    ticket: Option<Ticket>,
    lost_at: Option<Instant>,
}

impl Permit<'_> {
    /// Says how it came out.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Outcome) {
        if let Some(ticket) = self.ticket.take() {
            self.guard
                .with_breaker(|breaker, now| breaker.settle(ticket, outcome, now));
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let lost = self.lost_at.is_some_and(|at| Instant::now() >= at);
        self.tell(match lost {
            true => Outcome::Failed,
            false => Outcome::Unknown,
        });
    }
}

impl Guard {
    /// What an answer says of its peer. One that is late by what its caller gave it says nothing.
    pub(crate) fn outcome_of(&self, code: Code, own_time: bool) -> Outcome {
        let rules = self.policy.breaker.unwrap_or_default();
        match outcome_of(code, own_time) {
            Outcome::Failed if !rules.answers => Outcome::Answered,
            outcome => outcome,
        }
    }
}

fn outcome_of(code: Code, own_time: bool) -> Outcome {
    match code {
        Code::DeadlineExceeded if !own_time => Outcome::Unknown,
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Outcome::Failed,
        _ => Outcome::Answered,
    }
}

//! What is shared by all calls to one peer: the wall before it, its breaker, and what may be spent on trying again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use call::{Code as WireCode, ConnectError};
use endpoints::{Breaker, Budget, Circuit, Impression, Passage};
use metrics::{Counter, counter, gauge};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::policy::{Bulkhead, Policy};

/// Stands before one peer.
pub(crate) struct Guard {
    peer: &'static str,
    pub(crate) policy: Policy,
    pub(crate) budget: Budget,
    breaker: Option<Mutex<Breaker>>,
    wall: Option<Wall>,
    attempts: OnceLock<Counter>,
}

/// The places behind a bulkhead, and who waits for one.
struct Wall {
    bulkhead: Bulkhead,
    places: Semaphore,
    waiting: AtomicUsize,
}

impl Guard {
    pub(crate) fn new(peer: &'static str, policy: Policy) -> Self {
        let breaker = |rules| Mutex::new(Breaker::new(rules, Instant::now()));
        let guard = Self {
            peer,
            policy,
            budget: Budget::new(),
            breaker: policy.breaker.map(breaker),
            wall: policy.bulkhead.map(|bulkhead| Wall {
                bulkhead,
                places: Semaphore::new(bulkhead.calls_max.min(Semaphore::MAX_PERMITS)),
                waiting: AtomicUsize::new(0),
            }),
            attempts: OnceLock::new(),
        };
        if let Some(circuit) = guard.circuit() {
            guard.show(circuit);
        }
        guard
    }

    /// A place for a unary call behind the wall, if there is a wall.
    ///
    /// # Errors
    /// `resource_exhausted`, if as many wait as may.
    pub(crate) async fn enter(&self) -> Result<Option<SemaphorePermit<'_>>, Status> {
        let Some(wall) = &self.wall else {
            return Ok(None);
        };
        if let Ok(place) = wall.places.try_acquire() {
            return Ok(Some(place));
        }
        let waiting = Waiting::begin(wall);
        if waiting.before >= wall.bulkhead.waiting_max {
            let message = format!("too many calls wait for {}", self.peer);
            return Err(Status::resource_exhausted(message));
        }
        Ok(wall.places.acquire().await.ok()) // it is never closed
    }

    /// Where the breaker stands, if there is one.
    pub(crate) fn circuit(&self) -> Option<Circuit> {
        let breaker = self.breaker.as_ref()?;
        let breaker = breaker.lock().unwrap_or_else(PoisonError::into_inner);
        Some(breaker.circuit())
    }

    /// How many calls are behind the wall, and how many wait for a place there.
    pub(crate) fn behind_wall(&self) -> Option<(usize, usize)> {
        let wall = self.wall.as_ref()?;
        let taken = wall.bulkhead.calls_max - wall.places.available_permits();
        Some((taken, wall.waiting.load(Ordering::Relaxed)))
    }

    /// Lets a call pass, which its peer has failed if it was asked and nothing is said of it by `lost_at`, where
    /// lateness counts.
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
                asked: false,
                failed: false,
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
            asked: false,
            failed: false,
        }
    }

    fn attempt(&self) {
        let attempts = self
            .attempts
            .get_or_init(|| counter!("rpc_client_attempts_total", "target" => self.peer));
        attempts.increment(1);
    }

    fn with_breaker<T>(&self, told: impl FnOnce(&mut Breaker, Instant) -> T) -> Option<T> {
        let breaker = self.breaker.as_ref()?;
        let mut breaker = breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.circuit();
        let result = told(&mut breaker, Instant::now());
        let after = breaker.circuit();
        if after != before {
            self.show(after);
        }
        drop(breaker);
        if after != before {
            self.log(after);
        }
        Some(result)
    }

    fn show(&self, circuit: Circuit) {
        gauge!("circuit_state", "target" => self.peer).set(f64::from(circuit as u8));
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

/// Counts one that waits.
struct Waiting<'a> {
    wall: &'a Wall,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn begin(wall: &'a Wall) -> Self {
        let before = wall.waiting.fetch_add(1, Ordering::Relaxed);
        Self { wall, before }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.wall.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call that was let pass. Dropped, it says nothing of the peer, unless it was the peer's own time that ran out, or
/// a try had failed and no later one was answered.
pub(crate) struct Permit<'a> {
    guard: &'a Guard,
    ticket: Option<Passage>,
    lost_at: Option<Instant>,
    /// Whether the peer has a request of it; before that, whatever it waits for is ours.
    asked: bool,
    /// Whether a try failed.
    failed: bool,
}

impl Permit<'_> {
    /// A request leaves.
    pub(crate) fn ask(&mut self) {
        self.guard.attempt();
        self.asked = true;
    }

    /// It waits, and not for the peer.
    pub(crate) fn wait(&mut self) {
        self.asked = false;
    }

    /// Another try may follow one that came out so.
    pub(crate) fn again_after(&mut self, outcome: Impression) {
        self.failed |= outcome == Impression::Failed;
    }

    /// Says how it came out.
    pub(crate) fn settle(mut self, outcome: Impression) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Impression) {
        if let Some(ticket) = self.ticket.take() {
            self.guard
                .with_breaker(|breaker, now| breaker.settle(ticket, outcome, now));
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let lost = self.asked && self.lost_at.is_some_and(|at| Instant::now() >= at);
        self.tell(match lost || self.failed {
            true => Impression::Failed,
            false => Impression::Unknown,
        });
    }
}

impl Guard {
    /// What an answer says of its peer. One that is late by what its caller gave it says nothing.
    pub(crate) fn outcome_of(&self, code: Code, own_time: bool) -> Impression {
        let rules = self.policy.breaker.unwrap_or_default();
        match outcome_of(code, own_time) {
            Impression::Failed if !rules.answers => Impression::Answered,
            outcome => outcome,
        }
    }

    /// What it says of its peer that there was no answer in the peer's own time.
    pub(crate) fn outcome_of_silence(&self) -> Impression {
        match self.policy.breaker.unwrap_or_default().answers {
            true => Impression::Failed,
            false => Impression::Unknown,
        }
    }
}

fn outcome_of(code: Code, own_time: bool) -> Impression {
    match code {
        Code::DeadlineExceeded if !own_time => Impression::Unknown,
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Impression::Failed,
        _ => Impression::Answered,
    }
}

//! One saga under way: ask, take the answer in, ask the next, until nothing is pending.
//!
//! A step that was taken is saved together with the next answer, if that comes soon: a fast checkout is two
//! commits. What is lost by a crash meanwhile, the core takes for asked.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use call::Scope;
use sea_orm::DbErr;
use sql::retrying;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::answer::CreateOrderAnswer;
use crate::domain::order::EndReason;
use crate::error::Error;
use crate::event::status_name;
use crate::saga::change::{Changeset, change};
use crate::saga::checkout::{self, Attempt, Event};
use crate::saga::driver::{Driver, leases};
use crate::saga::fail_point::FailPoint;
use crate::saga::record::Record;
use crate::store;

/// How long a step that was taken waits to be saved with the next.
const AHEAD_MAX: Duration = Duration::from_millis(50);

/// Waits between tries to reach the database: an answer that is known is not given up.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// One saga under way.
pub(super) struct Task {
    driver: Driver,
    /// How far it is.
    record: Record,
    /// What of that is not saved yet.
    ahead: Option<Ahead>,
    tell: watch::Sender<Option<CreateOrderAnswer>>,
    wake: Arc<Notify>,
}

/// Steps that were taken and are not saved.
struct Ahead {
    change: Changeset,
    /// The last of them.
    step: &'static str,
    /// When they are saved even if the next is not answered by then.
    until: Instant,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.driver.gone(self.record.order.id, &self.wake);
    }
}

impl Task {
    pub fn new(
        driver: Driver,
        record: Record,
        tell: watch::Sender<Option<CreateOrderAnswer>>,
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            driver,
            record,
            ahead: None,
            tell,
            wake,
        }
    }

    pub async fn run(mut self) {
        loop {
            let goes_on = match self.record.saga.state.pending() {
                Some(attempt) => self.carry_out(attempt).await,
                None => !self.driver.leave(self.record.order.id) && self.read_again().await,
            };
            if !goes_on {
                break;
            }
        }
        if let Some(ahead) = &self.ahead
            && !self.driver.dead().is_cancelled()
        {
            self.save(ahead).await;
        }
    }

    /// Makes an attempt and takes its answer in; false when this task is to end.
    async fn carry_out(&mut self, attempt: Attempt) -> bool {
        let (asked, saved) = self.ask_and_save(attempt).await;
        if saved {
            self.ahead = None;
        }
        match asked {
            Asked::Answered(answer, took) => {
                let event = Event::Answered {
                    task: attempt.task,
                    attempt: attempt.number,
                    answer,
                };
                self.take_in(event, took, attempt.task.name()).await
            }
            Asked::Woken => self.read_again().await,
            Asked::WithoutLease => {
                self.save_if_due().await;
                self.wait_for_lease().await
            }
            Asked::Stopped => false,
        }
    }

    /// Waits for the lease to be renewed, or for whoever has it now; false when this task is to end.
    async fn wait_for_lease(&mut self) -> bool {
        let renewal = tokio::time::sleep(leases::LOOK_EVERY);
        let stopping = self.driver.stopping();
        stopping.run_until_cancelled(renewal).await.is_some()
            && (self.driver.holds(self.record.order.id) || self.read_again().await)
    }

    /// Asks, and saves what ran ahead if the answer takes too long; whether that is saved.
    async fn ask_and_save(&self, attempt: Attempt) -> (Asked, bool) {
        let mut asking = pin!(self.ask(attempt));
        let Some(ahead) = &self.ahead else {
            return (asking.await, false);
        };
        match tokio::time::timeout_at(ahead.until, &mut asking).await {
            Ok(asked) => (asked, false),
            Err(_) => tokio::join!(asking, Box::pin(self.save(ahead))),
        }
    }

    /// Asks when it is due, and there is a place among the calls to the peer.
    async fn ask(&self, attempt: Attempt) -> Asked {
        let wait = attempt.due - self.driver.parts().clock.now();
        let wait = wait
            .to_std()
            .unwrap_or_default()
            .min(self.driver.rules().backoff_max);
        if !wait.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.wake.notified() => return Asked::Woken,
                () = self.driver.stopping().cancelled() => return Asked::Stopped,
            }
        }
        let name = attempt.task.name();
        if !self.driver.survives(FailPoint::BeforeCall, name) {
            return Asked::Stopped;
        }
        let callees = &self.driver.parts().callees;
        // Whoever stops waits for no place, but what is under way goes on as long as there is one.
        let place = tokio::select! {
            biased;
            place = callees.place(&self.record, attempt.task) => place,
            () = self.wake.notified() => return Asked::Woken,
            () = self.driver.stopping().cancelled() => return Asked::Stopped,
        };
        if !self.driver.holds(self.record.order.id) {
            return Asked::WithoutLease;
        }
        let started = Instant::now();
        let answer = callees.ask(&self.record, attempt.task).await;
        drop(place);
        if !self.driver.survives(FailPoint::AfterCall, name) {
            return Asked::Stopped;
        }
        Asked::Answered(answer, started.elapsed())
    }

    /// Takes in what an event makes of the saga, and saves it as often as it takes; false when this task is to end.
    async fn take_in(&mut self, event: Event, took: Duration, name: &'static str) -> bool {
        let mut pause = Pause::default();
        loop {
            match retrying(|| self.try_to_take_in(&event, took, name)).await {
                Ok(Taken::Ahead(change)) => return self.run_ahead(*change, name),
                Ok(Taken::Saved(change)) => return self.adopt(*change, name),
                Ok(Taken::Nothing) => return true,
                Ok(Taken::Overtaken) => {
                    if !self.read_again().await {
                        return false;
                    }
                }
                Err(error) => {
                    let cause = call::error::chain(&error);
                    tracing::error!(
                        step = name,
                        cause,
                        "An answer could not be written down, trying again"
                    );
                    if !pause.take(&self.driver).await {
                        return false;
                    }
                    // What the rules refuse may rest on an order and a saga that were not read as one.
                    let refused = !matches!(error, Error::Store(_));
                    if refused && !self.read_again().await {
                        return false;
                    }
                }
            }
        }
    }

    /// One attempt: state, facts, timeline and sealed answer, with all that ran ahead, in one transaction.
    async fn try_to_take_in(
        &self,
        event: &Event,
        took: Duration,
        name: &'static str,
    ) -> Result<Taken, Error> {
        let parts = self.driver.parts();
        let on = self.driver.occasion(took);
        let Some(mut change) = change(&parts.rules, &self.record, event.clone(), &on)? else {
            return Ok(Taken::Nothing);
        };
        let (before, next) = (&self.record.saga.state, &change.record.saga.state);
        let may_wait = before.may_run_ahead(next);
        if let Some(ahead) = &self.ahead {
            change = change.after(ahead.change.clone());
        }
        if may_wait && self.driver.is_up_to_date(self.record.order.id) {
            return Ok(Taken::Ahead(Box::new(change)));
        }
        Ok(match self.write(&change, name).await? {
            true => Taken::Saved(Box::new(change)),
            false => Taken::Overtaken,
        })
    }

    /// Writes a change; false if somebody else was faster.
    async fn write(&self, change: &Changeset, name: &'static str) -> Result<bool, Error> {
        let parts = self.driver.parts();
        let txn = parts.db.begin_guarded().await?; // by the saga's revision
        change.write(&txn, &parts.clock).await?;
        if !self.driver.survives(FailPoint::BeforeCommit, name) {
            txn.rollback().await?;
            return Ok(false);
        }
        match txn.commit().await {
            Ok(()) => {
                self.note(change);
                Ok(true)
            }
            Err(DbErr::RecordNotUpdated) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes note of what is saved.
    fn note(&self, change: &Changeset) {
        self.driver.note_lease(&change.record);
        let order = &change.record.order;
        if change.moves_order() {
            let (id, status) = (order.id, status_name(order.status));
            let reason = order.end_reason.map(EndReason::name);
            tracing::info!(order.id = %id, order.status = status, reason, "Order {id} is {status}");
        }
    }

    /// Saves what ran ahead; false if that is left to the next write.
    async fn save(&self, ahead: &Ahead) -> bool {
        let attempt = async || {
            let mut change = ahead.change.clone();
            change.record.saga.lease = Some(self.driver.lease()); // the one it had may be renewed by now
            self.write(&change, ahead.step).await
        };
        match retrying(attempt).await {
            Ok(true) => self.driver.survives(FailPoint::AfterCommit, ahead.step),
            Ok(false) => {
                self.driver.outdated(self.record.order.id);
                false
            }
            Err(error) => {
                let (step, cause) = (ahead.step, call::error::chain(&error));
                tracing::warn!(step, cause, "A step that was taken could not be saved yet");
                false
            }
        }
    }

    /// Saves what ran ahead, if that has waited for long enough.
    async fn save_if_due(&mut self) {
        if let Some(ahead) = &self.ahead
            && Instant::now() >= ahead.until
            && self.save(ahead).await
        {
            self.ahead = None;
        }
    }

    /// Goes on with what is not saved yet; false if a test has killed it.
    fn run_ahead(&mut self, change: Changeset, step: &'static str) -> bool {
        let since_before = self.ahead.as_ref().map(|ahead| ahead.until);
        self.record = change.record.clone();
        self.ahead = Some(Ahead {
            change,
            step,
            until: since_before.unwrap_or_else(|| Instant::now() + AHEAD_MAX),
        });
        self.driver.survives(FailPoint::Ahead, step)
    }

    /// Goes on with what is saved; false if a test has killed it.
    fn adopt(&mut self, change: Changeset, name: &'static str) -> bool {
        if !self.driver.survives(FailPoint::AfterCommit, name) {
            return false;
        }
        self.record = change.record;
        self.ahead = None;
        if let Some(answer) = change.answer {
            self.tell.send_replace(Some(answer));
        }
        true
    }

    /// Reads the saga as it is now; false when it is no longer this driver's.
    async fn read_again(&mut self) -> bool {
        let (id, mut pause) = (self.record.order.id, Pause::default());
        loop {
            self.driver.refreshed(id);
            let parts = self.driver.parts();
            match store::saga::find(parts.db.read(), Scope::Everyone, id).await {
                Ok(Some(found)) => {
                    self.driver.note_lease(&found);
                    let lease = found.saga.lease;
                    if found.saga.revision != self.saved_revision() {
                        (self.record, self.ahead) = (found, None);
                    }
                    return lease.is_none_or(|lease| lease.owner == self.driver.id());
                }
                Ok(None) => return false,
                // Written by a newer version, which carries it on.
                Err(error @ DbErr::Type(_)) => {
                    let cause = call::error::chain(&error);
                    tracing::warn!(cause, "A checkout is left to the version that wrote it");
                    return false;
                }
                Err(error) => {
                    let cause = call::error::chain(&error);
                    tracing::error!(cause, "A checkout could not be read, trying again");
                    if !pause.take(&self.driver).await {
                        return false;
                    }
                }
            }
        }
    }

    /// The revision that this task saved or read last: what runs ahead is to be the next.
    fn saved_revision(&self) -> i64 {
        self.record.saga.revision - i64::from(self.ahead.is_some())
    }
}

/// What came of an attempt.
enum Asked {
    /// An answer, and how long it took.
    Answered(checkout::Reply, Duration),
    /// Nobody was asked: the saga was changed by somebody else.
    Woken,
    /// Nobody was asked: another driver may be at it.
    WithoutLease,
    /// The driver stops, or is dead.
    Stopped,
}

/// What came of an attempt to take an answer in.
enum Taken {
    /// It is saved.
    Saved(Box<Changeset>),
    /// It may wait to be saved.
    Ahead(Box<Changeset>),
    /// It changes nothing.
    Nothing,
    /// Somebody else was faster.
    Overtaken,
}

/// Waits that grow.
#[derive(Default)]
struct Pause(u32);

impl Pause {
    /// Waits; false when the driver stops meanwhile.
    async fn take(&mut self, driver: &Driver) -> bool {
        let pause = (PAUSE_FIRST * (1 << self.0.min(6))).min(PAUSE_MAX);
        self.0 += 1;
        driver
            .stopping()
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_some()
    }
}

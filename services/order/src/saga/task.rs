//! One saga under way: ask, write down, ask the next, until nothing is pending.

use std::sync::Arc;
use std::time::Duration;

use call::Scope;
use sea_orm::DbErr;
use sql::retrying;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::domain::order::EndReason;
use crate::error::Error;
use crate::event::status_name;
use crate::saga::change::{Change, change};
use crate::saga::checkout::{Attempt, Event};
use crate::saga::driver::Driver;
use crate::saga::fail_point::Place;
use crate::saga::record::Record;
use crate::store;

/// Waits between tries to reach the database: an answer that is known is not given up.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// One saga under way.
pub(super) struct Task {
    pub driver: Driver,
    pub record: Record,
    pub tell: watch::Sender<Option<Answer>>,
    pub wake: Arc<Notify>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.driver.gone(self.record.order.id, &self.wake);
    }
}

impl Task {
    pub async fn run(mut self) {
        loop {
            let goes_on = match self.record.saga.state.pending() {
                Some(attempt) => self.carry_out(attempt).await,
                None => !self.driver.leave(self.record.order.id) && self.read_again().await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Makes an attempt when it is due and writes its answer; false when this task is to end.
    async fn carry_out(&mut self, attempt: Attempt) -> bool {
        let wait = attempt.due - self.driver.parts().clock.now();
        let wait = wait
            .to_std()
            .unwrap_or_default()
            .min(self.driver.rules().backoff_max);
        if !wait.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.wake.notified() => return self.read_again().await,
                () = self.driver.stopping().cancelled() => return false,
            }
        }
        let name = attempt.task.name();
        if !self.driver.survives(Place::BeforeCall, name) {
            return false;
        }
        let driver = self.driver.clone();
        let callees = &driver.parts().callees;
        let (answer, took) = {
            // Whoever stops waits for no place, but what is under way goes on as long as there is one.
            let _place = tokio::select! {
                biased;
                place = callees.place(&self.record, attempt.task) => place,
                () = self.wake.notified() => return self.read_again().await,
                () = self.driver.stopping().cancelled() => return false,
            };
            if !self.driver.holds(self.record.order.id) {
                return self.wait_for_lease().await;
            }
            let started = Instant::now();
            let answer = callees.ask(&self.record, attempt.task).await;
            (answer, started.elapsed())
        };
        if !self.driver.survives(Place::AfterCall, name) {
            return false;
        }
        let event = Event::Answered {
            task: attempt.task,
            attempt: attempt.number,
            answer,
        };
        self.write_down(event, took, name).await
    }

    /// Asks nobody while the lease is not to be had, since another driver may be at it; false when one is.
    async fn wait_for_lease(&mut self) -> bool {
        Pause::default().take(&self.driver).await && self.read_again().await
    }

    /// Writes what an event makes of the saga, as often as it takes; false when this task is to end.
    async fn write_down(&mut self, event: Event, took: Duration, name: &'static str) -> bool {
        let mut pause = Pause::default();
        loop {
            match retrying(|| self.write_once(&event, took, name)).await {
                Ok(Written::Now(change)) => {
                    if !self.driver.survives(Place::AfterCommit, name) {
                        return false;
                    }
                    self.adopt(*change);
                    return true;
                }
                Ok(Written::Nothing) => return true,
                Ok(Written::Overtaken) => {
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
                }
            }
        }
    }

    /// One attempt to write: state, facts, timeline and sealed answer in one transaction.
    async fn write_once(
        &self,
        event: &Event,
        took: Duration,
        name: &'static str,
    ) -> Result<Written, Error> {
        let parts = self.driver.parts();
        let on = self.driver.occasion(took);
        let Some(change) = change(&parts.rules, &self.record, event.clone(), &on)? else {
            return Ok(Written::Nothing);
        };
        let txn = parts.db.begin_write().await?;
        change.write(&txn, &parts.clock).await?;
        if !self.driver.survives(Place::BeforeCommit, name) {
            txn.rollback().await?;
            return Ok(Written::Overtaken);
        }
        match txn.commit().await {
            Ok(()) => Ok(Written::Now(Box::new(change))),
            Err(DbErr::RecordNotUpdated) => Ok(Written::Overtaken),
            Err(error) => Err(error.into()),
        }
    }

    fn adopt(&mut self, change: Change) {
        let order = &change.record.order;
        if order.status != self.record.order.status {
            let (id, status) = (order.id, status_name(order.status));
            let reason = order.end_reason.map(EndReason::name);
            tracing::info!(order.id = %id, order.status = status, reason, "Order {id} is {status}");
        }
        self.record = change.record;
        self.driver.note_lease(&self.record);
        if let Some(answer) = change.answer {
            self.tell.send_replace(Some(answer));
        }
    }

    /// Reads the saga as it is now; false when it is no longer this driver's.
    async fn read_again(&mut self) -> bool {
        let (id, mut pause) = (self.record.order.id, Pause::default());
        loop {
            self.driver.refreshed(id);
            let parts = self.driver.parts();
            match store::saga::find(parts.db.read(), Scope::Everyone, id).await {
                Ok(Some(record)) => {
                    let lease = record.saga.lease;
                    self.record = record;
                    self.driver.note_lease(&self.record);
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
}

/// What came of an attempt to write.
enum Written {
    /// It is written.
    Now(Box<Change>),
    /// There was nothing to write.
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

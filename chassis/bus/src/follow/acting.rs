//! Acting on facts, and what is said of it.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use events::Recorded;
use futures::FutureExt;
use telemetry::{CallIds, TraceContext};
use tokio::time::Instant;
use uuid::Uuid;

use super::Follower;
use crate::group::{Failure, Undone, bounded};
use crate::tries::TRIES_MAX;

impl Follower {
    /// Acts on a fact by itself.
    pub(super) async fn hear(&self, fact: &Arc<Recorded>) -> Result<(), Failure> {
        telemetry::within(Some(self.ids(fact)), self.hear_one(fact)).await
    }

    async fn hear_one(&self, fact: &Arc<Recorded>) -> Result<(), Failure> {
        let began = Instant::now();
        let failure = match self.act(std::slice::from_ref(fact)).await {
            Ok(heard) => {
                self.heard(fact, heard == [true], began.elapsed()).await;
                return Ok(());
            }
            Err(Failure::Away(cause)) => self.judge(fact.event_id, cause).await,
            Err(failed) => failed,
        };
        if let Failure::Failed(cause) = &failure {
            self.say(fact, "failed", began.elapsed(), Some(cause));
        }
        Err(failure)
    }

    /// Acts on facts in one transaction, and tells of each whether it was new: whatever is logged meanwhile names the
    /// call that told it.
    pub(super) async fn act(&self, facts: &[Arc<Recorded>]) -> Result<Vec<bool>, Failure> {
        let group = &*self.group;
        let effect = |fact: &Arc<Recorded>| {
            let source = self.source.service();
            let mut hears = group.hears.iter();
            let found = hears.find(|hears| hears.source == source && hears.topic == fact.topic);
            found.map(|hears| hears.act.clone())
        };
        let acting = command::hear(&group.db, &group.clock, group.name, facts, |work, fact| {
            let Some(act) = effect(fact) else {
                // Another version put it aside, and may come back.
                let cause = format!("{} is not heard by this version", fact.topic);
                return ready(Err(Undone::because(cause))).boxed();
            };
            telemetry::within(Some(self.ids(fact)), act(work, fact)).boxed()
        });
        bounded(acting).await
    }

    /// What names, in the log, the call that told a fact.
    pub(super) fn ids(&self, fact: &Recorded) -> CallIds {
        let origin = &fact.origin;
        let trace = TraceContext::parse(&origin.traceparent);
        let trace_id = trace.map(|trace| trace.trace_id.map(|byte| format!("{byte:02x}")).concat());
        CallIds::new(
            self.group.db.service(),
            &origin.correlation_id,
            &trace_id.unwrap_or_default(),
        )
    }

    pub(super) async fn heard(&self, fact: &Recorded, is_new: bool, took: Duration) {
        self.undone.lock().await.remove(&fact.event_id);
        let result = if is_new { "heard" } else { "repeated" };
        self.count(&fact.topic, result);
        self.say(fact, result, took, None);
    }

    /// One line for each fact that was acted on, as there is one for each call. Of what no call told, as a shop's first
    /// products, nobody looks for the rest of the story.
    fn say(&self, fact: &Recorded, result: &str, took: Duration, cause: Option<&str>) {
        let (group, topic, event_id) = (self.group.name, &*fact.topic, fact.event_id);
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match cause.is_none() && fact.origin.traceparent.is_empty() {
            true => {
                tracing::debug!(group, topic, %event_id, result, duration_us, "Heard {topic}");
            }
            false => {
                tracing::info!(group, topic, %event_id, result, duration_us, cause, "Heard {topic}");
            }
        }
    }

    /// Tells whose fault it is that the database did not do what a fact asks: its own, or that of the fact, if it does
    /// other things and this one never.
    async fn judge(&self, event_id: Uuid, cause: String) -> Failure {
        let mut undone = self.undone.lock().await;
        let times = undone.entry(event_id).or_default();
        *times += 1;
        if *times < TRIES_MAX || self.group.db.ping().await.is_err() {
            return Failure::Away(cause);
        }
        undone.remove(&event_id);
        Failure::Failed(cause)
    }

    /// Counts what became of a fact.
    pub(super) fn count(&self, topic: &str, result: &'static str) {
        let labels = [
            ("service", self.group.db.service().to_owned()),
            ("group", self.group.name.to_owned()),
            ("topic", topic.to_owned()),
            ("result", result.to_owned()),
        ];
        metrics::counter!("facts_heard_total", &labels).increment(1);
    }
}

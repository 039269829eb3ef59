//! One event with everything around it, before it has a style.

use std::sync::Arc;

use tracing::Level;

use super::field::{Fields, Value};

/// What every line of a process has in common.
pub(super) struct Constants {
    pub(super) service: String,
    /// The others, as they stand in JSON.
    pub(super) json: String,
}

/// One event with everything around it: what a style writes.
pub(super) struct Line<'a> {
    pub(super) at: chrono::DateTime<chrono::Utc>,
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) constants: &'a Constants,
    /// Of the request, unless it is the process that speaks.
    pub(super) service: Option<Value<'a>>,
    pub(super) correlation_id: Option<Value<'a>>,
    pub(super) trace_id: Option<Value<'a>>,
    pub(super) event: &'a Fields,
    /// Fields of the spans around the event, innermost first: its value wins.
    pub(super) spans: &'a [Arc<Fields>],
}

impl Line<'_> {
    pub(super) fn message(&self) -> &str {
        match self.event.get("message") {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// All fields but the message and those a style puts at a place of its own.
    pub(super) fn rest<'a>(
        &'a self,
        is_placed: impl Fn(&str) -> bool + Copy + 'a,
    ) -> impl Iterator<Item = (&'static str, Value<'a>)> {
        let wanted = move |name: &&str| *name != "message" && !is_placed(name);
        let around = self.spans.iter().enumerate();
        let around = around.flat_map(move |(depth, fields)| {
            let nearer = move |name| {
                let mut inner = self.spans[..depth].iter();
                self.event.get(name).is_some() || inner.any(|inner| inner.get(name).is_some())
            };
            let fields = fields.iter();
            fields.filter(move |(name, _)| wanted(name) && !nearer(name))
        });
        let own = self.event.iter();
        own.filter(move |(name, _)| wanted(name)).chain(around)
    }
}

//! The subscriber layer that keeps the fields of spans and writes one line an
//! event. A line is built whole and written by one call, so that lines of
//! several threads, or processes on one pipe, never mix.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::field::{Fields, Value};
use super::{Config, Format, json, pretty};

/// Writes log lines.
pub struct Lines {
    style: Style,
    constants: Constants,
    out: Mutex<Box<dyn Write + Send>>,
}

enum Style {
    Json,
    Pretty { colours: bool },
}

/// What every line of a process has in common.
pub(super) struct Constants {
    pub(super) service: String,
    pub(super) version: String,
    pub(super) env: String,
}

/// One event with everything around it: what a style writes.
pub(super) struct Line<'a> {
    pub(super) at: chrono::DateTime<chrono::Utc>,
    pub(super) metadata: &'static Metadata<'static>,
    pub(super) constants: &'a Constants,
    pub(super) event: &'a Fields,
    /// Fields of the spans around the event; the innermost span's value wins.
    pub(super) spans: &'a [(&'static str, Value)],
}

impl Line<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let around = || {
            self.spans
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        };
        self.event.get(name).or_else(around)
    }

    pub(super) fn message(&self) -> &str {
        match self.event.get("message") {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// All fields but the message and those a style puts at a place of its own.
    pub(super) fn rest<'a>(
        &'a self,
        placed: &'a [&str],
    ) -> impl Iterator<Item = &'a (&'static str, Value)> {
        let own = self.event.iter();
        let around = self
            .spans
            .iter()
            .filter(|(name, _)| self.event.get(name).is_none());
        own.chain(around)
            .filter(move |(name, _)| *name != "message" && !placed.contains(name))
    }
}

impl Lines {
    pub(super) fn new(config: &Config, terminal: bool, out: Box<dyn Write + Send>) -> Self {
        let style = match config.format {
            Format::Json => Style::Json,
            Format::Auto if !terminal => Style::Json,
            Format::Auto | Format::Pretty => Style::Pretty { colours: terminal },
        };
        let constants = Constants {
            service: config.service.clone(),
            version: config.version.clone(),
            env: config.env.clone(),
        };
        Self {
            style,
            constants,
            out: Mutex::new(out),
        }
    }
}

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let mut spans: Vec<(&'static str, Value)> = Vec::new();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                for (name, value) in fields.iter() {
                    if !spans.iter().any(|(known, _)| known == name) {
                        spans.push((name, value.clone()));
                    }
                }
            }
        }
        let line = Line {
            at: now(),
            metadata: event.metadata(),
            constants: &self.constants,
            event: &own,
            spans: &spans,
        };
        let text = match self.style {
            Style::Json => json::write(&line),
            Style::Pretty { colours } => pretty::write(&line, colours),
        };
        // A full disk or a closed pipe must not take the process down.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a log line carries the machine's own time"
)]
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

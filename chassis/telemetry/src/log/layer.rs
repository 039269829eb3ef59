//! The subscriber layer that keeps the fields of spans and writes one line an
//! event. A line is built whole, so that lines of several threads never mix.

use std::cell::Cell;
use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::access::{self, Access};
use super::field::{Fields, Value};
use super::sink::Sink;
use super::{Config, Format, json, pretty};
use crate::redact;

/// Room for the fields of most spans.
const SPAN_FIELDS: usize = 4;

/// Writes log lines.
pub struct Lines {
    style: Style,
    constants: Constants,
    sink: Sink,
}

/// What a thread builds a line in, kept from line to line: every request logs.
#[derive(Default)]
struct Scratch {
    own: Fields,
    around: Vec<Arc<Fields>>,
    text: String,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
}

enum Style {
    Json,
    Pretty { colours: bool },
}

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

/// The values of these names, each the innermost.
fn nearest<'a, const N: usize>(
    names: [&str; N],
    event: &'a Fields,
    spans: &'a [Arc<Fields>],
) -> [Option<Value<'a>>; N] {
    let mut found = [None; N];
    let around = spans.iter().flat_map(|fields| fields.iter());
    for (name, value) in event.iter().chain(around) {
        if let Some(place) = names.iter().position(|wanted| *wanted == name) {
            found[place].get_or_insert(value);
        }
    }
    found
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
        placed: &'a [&str],
    ) -> impl Iterator<Item = (&'static str, Value<'a>)> {
        let wanted = move |name: &&str| *name != "message" && !placed.contains(name);
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

impl Lines {
    pub(super) fn new(config: &Config, terminal: bool, sink: Sink) -> Self {
        let style = match config.format {
            Format::Json => Style::Json,
            Format::Auto if !terminal => Style::Json,
            Format::Auto | Format::Pretty => Style::Pretty { colours: terminal },
        };
        let constants = Constants {
            service: config.service.clone(),
            json: json::constants(&config.version, &config.env),
        };
        Self {
            style,
            constants,
            sink,
        }
    }

    /// Writes the line of a request, past spans and visitors: all it holds is here.
    pub(super) fn access(&self, access: &Access<'_>) {
        let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
        scratch.own.clear();
        access.fields(&mut scratch.own);
        let correlation_id = redact::text(access.correlation_id);
        let line = Line {
            at: now(),
            level: Level::INFO,
            target: access::TARGET,
            constants: &self.constants,
            service: Some(Value::Text(access.service)),
            correlation_id: Some(Value::Text(&correlation_id)),
            trace_id: Some(Value::Text(access.trace_id)),
            event: &scratch.own,
            spans: &[],
        };
        self.write(&line, &mut scratch.text);
        let _ = SCRATCH.try_with(|kept| kept.set(scratch)); // a thread that ends keeps none
    }

    fn write(&self, line: &Line<'_>, text: &mut String) {
        text.clear();
        match self.style {
            Style::Json => json::write(line, text),
            Style::Pretty { colours } => pretty::write(line, colours, text),
        }
        self.sink.write(text, line.level <= Level::WARN);
    }
}

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::with_capacity(SPAN_FIELDS);
        attributes.record(&mut fields);
        span.extensions_mut().replace(Arc::new(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Arc<Fields>>() {
            let fields: &mut Fields = Arc::make_mut(fields);
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // A value that logs while it is written finds an empty scratch of its own.
        let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
        scratch.own.clear();
        event.record(&mut scratch.own);
        let around = context.event_scope(event).into_iter().flatten();
        let around = around.filter_map(|span| span.extensions().get::<Arc<Fields>>().cloned());
        scratch.around.extend(around);
        let names = ["service", "correlation_id", "trace_id"];
        let [service, correlation_id, trace_id] = nearest(names, &scratch.own, &scratch.around);
        let line = Line {
            at: now(),
            level: *event.metadata().level(),
            target: event.metadata().target(),
            constants: &self.constants,
            service,
            correlation_id,
            trace_id,
            event: &scratch.own,
            spans: &scratch.around,
        };
        self.write(&line, &mut scratch.text);
        scratch.around.clear();
        let _ = SCRATCH.try_with(|kept| kept.set(scratch)); // a thread that ends keeps none
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a log line carries the machine's own time"
)]
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

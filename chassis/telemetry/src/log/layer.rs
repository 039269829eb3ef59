//! The subscriber layer that keeps the fields of spans and writes one line an
//! event. A line is built whole, so that lines of several threads never mix.

use std::cell::Cell;
use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::call::CallIds;
use super::field::{Fields, Value};
use super::line::{Constants, Line};
use super::sink::Sink;
use super::{json, pretty};

/// Room for the fields of most spans.
const SPAN_FIELDS: usize = 4;

/// Writes log lines.
pub struct Lines {
    style: Style,
    pub(super) constants: Constants,
    sink: Sink,
}

/// What a thread builds a line in, kept from line to line: every request logs.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) own: Fields,
    around: Vec<Arc<Fields>>,
    pub(super) text: String,
}

thread_local! {
    pub(super) static SCRATCH: Cell<Scratch> = Cell::default();
}

pub(super) enum Style {
    Json,
    Pretty { colours: bool },
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

impl Lines {
    pub(super) fn new(style: Style, constants: Constants, sink: Sink) -> Self {
        Self {
            style,
            constants,
            sink,
        }
    }

    pub(super) fn write(&self, line: &Line<'_>, text: &mut String) {
        text.clear();
        match self.style {
            Style::Json => json::write(line, text),
            Style::Pretty { colours } => pretty::write(line, colours, text),
        }
        self.put(text, line.level);
    }

    pub(super) fn put(&self, line: &str, level: Level) {
        self.sink.write(line, level <= Level::WARN);
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self.style, Style::Json)
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
        let call = CallIds::current();
        let call = call.as_ref();
        let of_call = |id: fn(&CallIds) -> &str| call.map(|call| Value::Text(id(call)));
        let line = Line {
            at: now(),
            level: *event.metadata().level(),
            target: event.metadata().target(),
            constants: &self.constants,
            service: service.or_else(|| of_call(CallIds::service)),
            correlation_id: correlation_id.or_else(|| of_call(CallIds::correlation_id)),
            trace_id: trace_id.or_else(|| of_call(CallIds::trace_id)),
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
pub(super) fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

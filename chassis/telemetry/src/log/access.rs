//! The line that every request leaves.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use tracing::dispatcher::get_default;
use tracing::{Level, Metadata};

use super::field::{Fields, Value};
use super::json;
use super::layer::{Lines, SCRATCH, now};
use super::line::{Constants, Line};

/// The target of these lines, for filters.
const TARGET: &str = "access";
const MESSAGE: &str = "Answered";
/// The name of the event that tells of a request those who listen beside the log, which has the
/// line already.
const TOLD: &str = "request answered";

/// The target of the span of a call, which is likewise for those who listen beside the log.
const CALL: &str = "call";

/// Whether the log takes this event or span, or would.
pub(super) fn is_for_the_log(metadata: &Metadata<'_>) -> bool {
    metadata.name() != TOLD && metadata.target() != CALL
}

/// What is told of one request. Being the commonest line of all it goes to the log directly,
/// at level INFO under target `access`; it looks like any other.
pub struct AccessLine<'a> {
    /// The context that answered: `order`, `gateway` …
    pub service: &'a str,
    /// The id under which the caller may ask about it.
    pub correlation_id: &'a str,
    /// 32 hexadecimal digits.
    pub trace_id: &'a str,
    /// The verb, of a closed set.
    pub method: &'static str,
    /// The path's template, without ids.
    pub route: &'a str,
    /// `connect`, `grpc` …
    pub protocol: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The outcome of an rpc by its name in Connect's JSON.
    pub code: Option<&'static str>,
    /// From the first header to the last byte, in microseconds.
    pub duration_us: u64,
    /// The length of the answer's body.
    pub bytes: u64,
    /// Who called, as soon as that was known.
    pub caller: Option<&'a dyn Display>,
}

impl AccessLine<'_> {
    /// Writes the line, unless the filter says otherwise, and tells whoever listens beside the log.
    pub fn write(&self) {
        if tracing::enabled!(target: TARGET, Level::INFO) {
            get_default(|subscriber| {
                if let Some(lines) = subscriber.downcast_ref::<Lines>() {
                    lines.access(self);
                }
            });
        }
        // No layer but the log: then this is never enabled, and costs nothing.
        tracing::event!(
            name: TOLD,
            target: TARGET,
            Level::INFO,
            service = self.service,
            correlation_id = self.correlation_id,
            trace_id = self.trace_id,
            method = self.method,
            route = self.route,
            protocol = self.protocol,
            status = self.status,
            code = self.code,
            duration_us = self.duration_us,
            bytes = self.bytes,
            caller = self.caller.map(tracing::field::display),
            "{MESSAGE}"
        );
    }

    /// The line of a request, which every call has: as [`json::write`] would, but nothing is collected first, and what the
    /// program says itself is not searched for something to escape.
    fn json(&self, constants: &Constants, at: DateTime<Utc>, out: &mut String) {
        out.push_str("{\"timestamp\":\"");
        json::timestamp(out, at);
        out.push_str("\",\"level\":\"INFO\"");
        json::own(out, ",\"service\":\"", self.service);
        out.push_str(&constants.json);
        json::key(out, "correlation_id");
        json::text(out, self.correlation_id);
        json::own(out, ",\"trace_id\":\"", self.trace_id);
        json::own(out, ",\"target\":\"", TARGET);
        json::own(out, ",\"message\":\"", MESSAGE);
        json::own(out, ",\"method\":\"", self.method);
        json::key(out, "route");
        json::text(out, self.route);
        json::own(out, ",\"protocol\":\"", self.protocol);
        out.push_str(",\"status\":");
        out.push_str(itoa::Buffer::new().format(self.status));
        if let Some(code) = self.code {
            json::own(out, ",\"code\":\"", code);
        }
        out.push_str(",\"duration_us\":");
        out.push_str(itoa::Buffer::new().format(self.duration_us));
        out.push_str(",\"bytes\":");
        out.push_str(itoa::Buffer::new().format(self.bytes));
        if let Some(caller) = self.caller {
            json::key(out, "caller");
            json::display(out, caller);
        }
        out.push_str("}\n");
    }

    /// All of them but the ids. None needs masking: the program knows them all.
    fn fields(&self, fields: &mut Fields) {
        fields.push_text("message", MESSAGE);
        fields.push_text("method", self.method);
        fields.push_text("route", self.route);
        fields.push_text("protocol", self.protocol);
        fields.push("status", Value::Unsigned(self.status.into()));
        if let Some(code) = self.code {
            fields.push_text("code", code);
        }
        fields.push("duration_us", Value::Unsigned(self.duration_us));
        fields.push("bytes", Value::Unsigned(self.bytes));
        if let Some(caller) = self.caller {
            fields.push_display("caller", caller);
        }
    }

    /// The line of these fields, for a style that has no shorter way to it.
    fn line<'l>(&'l self, constants: &'l Constants, fields: &'l Fields) -> Line<'l> {
        Line {
            at: now(),
            level: Level::INFO,
            target: TARGET,
            constants,
            service: Some(Value::Text(self.service)),
            correlation_id: Some(Value::Text(self.correlation_id)),
            trace_id: Some(Value::Text(self.trace_id)),
            event: fields,
            spans: &[],
        }
    }
}

impl Lines {
    /// Writes the line of a request, past spans and visitors: all it holds is here.
    fn access(&self, access: &AccessLine<'_>) {
        let mut scratch = SCRATCH.try_with(std::cell::Cell::take).unwrap_or_default();
        if self.is_json() {
            scratch.text.clear();
            access.json(&self.constants, now(), &mut scratch.text);
            self.put(&scratch.text, Level::INFO);
        } else {
            scratch.own.clear();
            access.fields(&mut scratch.own);
            let line = access.line(&self.constants, &scratch.own);
            self.write(&line, &mut scratch.text);
        }
        let _ = SCRATCH.try_with(|kept| kept.set(scratch)); // a thread that ends keeps none
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short way and the long one must not tell of the same request differently.
    #[test]
    fn the_line_written_at_once_is_the_one_that_fields_make() {
        let constants = Constants {
            service: "stoa".to_owned(),
            json: json::constants("1.2.3", "dev"),
        };
        let mut access = AccessLine {
            service: "order",
            correlation_id: "c-\"1\"",
            trace_id: "0af7651916cd43dd8448eb211c80319c",
            method: "POST",
            route: "/stoa.order.v1.OrderService/CreateOrder",
            protocol: "connect",
            status: 200,
            code: Some("ok"),
            duration_us: 1234,
            bytes: u64::MAX,
            caller: Some(&"service:\u{7f}\n\"x\""),
        };
        for code in [Some("ok"), None] {
            (access.code, access.caller) = (code, code.and(access.caller));
            let mut fields = Fields::default();
            access.fields(&mut fields);
            let line = access.line(&constants, &fields);
            let (mut long, mut short) = (String::new(), String::new());
            json::write(&line, &mut long);
            access.json(&constants, line.at, &mut short);
            assert_eq!(short, long);
        }
    }
}

//! The line that every request leaves.

use std::fmt::Display;

use tracing::Level;
use tracing::dispatcher::get_default;

use super::field::{Fields, Value};
use super::layer::Lines;

/// The target of these lines, for filters.
pub(super) const TARGET: &str = "access";

/// What is told of one request. Being the commonest line of all it goes to the log directly,
/// at level INFO under target `access`; it looks like any other.
pub struct Access<'a> {
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

impl Access<'_> {
    /// Writes the line, unless the filter says otherwise.
    pub fn write(&self) {
        if !tracing::enabled!(target: TARGET, Level::INFO) {
            return;
        }
        get_default(|subscriber| {
            if let Some(lines) = subscriber.downcast_ref::<Lines>() {
                lines.access(self);
            }
        });
    }

    /// All of them but the ids. None needs masking: the program knows them all.
    pub(super) fn fields(&self, fields: &mut Fields) {
        fields.push_text("message", "Answered");
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
            fields.push_text("caller", caller);
        }
    }
}

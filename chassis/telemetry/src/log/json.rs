//! A line as one flat JSON object.

use std::cell::RefCell;
use std::fmt::{Display, Write as _};

use chrono::{DateTime, Utc};

use super::field::Value;
use super::line::Line;

/// Fields with a fixed place and a promise: they stand in every line.
fn is_placed(name: &str) -> bool {
    matches!(
        name,
        "service" | "version" | "env" | "correlation_id" | "trace_id"
    )
}

pub(super) fn write(line: &Line<'_>, out: &mut String) {
    out.push_str("{\"timestamp\":\"");
    timestamp(out, line.at);
    out.push_str("\",\"level\":\"");
    out.push_str(line.level.as_str());
    out.push('"');
    let constants = line.constants;
    key(out, "service");
    value(out, line.service.unwrap_or(Value::Text(&constants.service)));
    out.push_str(&constants.json);
    key(out, "correlation_id");
    value_or_null(out, line.correlation_id);
    key(out, "trace_id");
    value_or_null(out, line.trace_id);
    key(out, "target");
    text(out, line.target);
    key(out, "message");
    text(out, line.message());
    for (name, field) in line.rest(is_placed) {
        key(out, name);
        value(out, field);
    }
    out.push_str("}\n");
}

/// A key and a text of the program's own, without anything to escape.
pub(super) fn own(out: &mut String, key: &str, value: &str) {
    debug_assert!(is_plain(value), "{value:?} would need an escape");
    out.push_str(key);
    out.push_str(value);
    out.push('"');
}

/// What can be written, between quotes; once more with escapes if it needs any.
pub(super) fn display(out: &mut String, value: &dyn Display) {
    out.push('"');
    let start = out.len();
    let _ = write!(out, "{value}"); // into a String, which cannot fail
    if is_plain(&out[start..]) {
        out.push('"');
        return;
    }
    let odd = out.split_off(start);
    out.pop(); // the quote
    text(out, &odd);
}

/// RFC 3339 in UTC, to the microsecond. Everything but the fraction is kept until the second
/// is over.
pub(super) fn timestamp(out: &mut String, at: DateTime<Utc>) {
    thread_local! {
        static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != at.timestamp() {
            *second = at.timestamp();
            *text = at.format("%Y-%m-%dT%H:%M:%S.").to_string();
        }
        out.push_str(text);
    });
    let mut digits = [b'0'; 6];
    let mut left = at.timestamp_subsec_micros() % 1_000_000; // a leap second has more
    for digit in digits.iter_mut().rev() {
        *digit += (left % 10) as u8;
        left /= 10;
    }
    out.push_str(str::from_utf8(&digits).unwrap_or_default()); // digits always are
    out.push('Z');
}

/// What is the same in every line of a process, after its service: `,"version":"1","env":"dev"`.
pub(super) fn constants(version: &str, env: &str) -> String {
    let mut out = String::new();
    key(&mut out, "version");
    text(&mut out, version);
    key(&mut out, "env");
    text(&mut out, env);
    out
}

/// Names are the program's own, without anything to escape.
pub(super) fn key(out: &mut String, name: &str) {
    debug_assert!(is_plain(name), "{name:?} is no name for a field");
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
}

/// Outside a request there is no correlation id: the key stays, with null.
fn value_or_null(out: &mut String, found: Option<Value<'_>>) {
    match found {
        Some(found) => value(out, found),
        None => out.push_str("null"),
    }
}

fn value(out: &mut String, value: Value<'_>) {
    match value {
        Value::Text(value) => text(out, value),
        Value::Signed(value) => out.push_str(itoa::Buffer::new().format(value)),
        Value::Unsigned(value) => out.push_str(itoa::Buffer::new().format(value)),
        Value::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        // JSON has no NaN and no infinity.
        Value::Float(value) if value.is_finite() => {
            let _ = write!(out, "{value}"); // into a String, which cannot fail
        }
        Value::Float(_) => out.push_str("null"),
    }
}

/// Whether nothing needs an escape, which is nearly always: one pass without a
/// branch. Beyond ASCII there are more control characters, so that is for the
/// careful way.
fn is_plain(text: &str) -> bool {
    let odd = |byte: u8| !(b' '..0x7f).contains(&byte) || byte == b'"' || byte == b'\\';
    !text.bytes().fold(false, |found, byte| found | odd(byte))
}

/// Quotes and escapes as RFC 8259 wants it. Everything below the space and
/// DEL is escaped, so that no line can move a terminal's cursor.
pub(super) fn text(out: &mut String, text: &str) {
    out.push('"');
    if is_plain(text) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain = 0;
    for (at, character) in text.char_indices() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            other if other.is_control() => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        if escape.is_empty() {
            // Writing into a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push_str(escape);
        }
        plain = at + character.len_utf8();
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

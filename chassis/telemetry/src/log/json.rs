//! A line as one flat JSON object.

use std::cell::RefCell;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::field::Value;
use super::layer::Line;

/// Fields with a fixed place and a promise: they stand in every line.
const PLACED: [&str; 5] = ["service", "version", "env", "correlation_id", "trace_id"];

pub(super) fn write(line: &Line<'_>, out: &mut String) {
    out.push_str("{\"timestamp\":\"");
    timestamp(out, line.at);
    out.push_str("\",\"level\":\"");
    out.push_str(line.metadata.level().as_str());
    out.push('"');
    let [service, correlation_id, trace_id] =
        line.nearest(["service", "correlation_id", "trace_id"]);
    let constants = line.constants;
    placed(out, "service", service, Some(&constants.service));
    placed(out, "version", None, Some(&constants.version));
    placed(out, "env", None, Some(&constants.env));
    placed(out, "correlation_id", correlation_id, None);
    placed(out, "trace_id", trace_id, None);
    key(out, "target");
    text(out, line.metadata.target());
    key(out, "message");
    text(out, line.message());
    for (name, field) in line.rest(&PLACED) {
        key(out, name);
        value(out, field);
    }
    out.push_str("}\n");
}

/// RFC 3339 in UTC, to the microsecond. Everything but the fraction is kept until the second
/// is over.
fn timestamp(out: &mut String, at: DateTime<Utc>) {
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
    out.extend(digits.map(char::from));
    out.push('Z');
}

/// Outside a request there is no correlation id: the key stays, with null.
fn placed(out: &mut String, name: &str, found: Option<Value<'_>>, otherwise: Option<&str>) {
    key(out, name);
    match (found, otherwise) {
        (Some(found), _) => value(out, found),
        (None, Some(otherwise)) => text(out, otherwise),
        (None, None) => out.push_str("null"),
    }
}

fn key(out: &mut String, name: &str) {
    out.push(',');
    text(out, name);
    out.push(':');
}

fn value(out: &mut String, value: Value<'_>) {
    // Writing into a String cannot fail.
    let _ = match value {
        Value::Text(value) => {
            text(out, value);
            Ok(())
        }
        Value::Signed(value) => write!(out, "{value}"),
        Value::Unsigned(value) => write!(out, "{value}"),
        Value::Bool(value) => write!(out, "{value}"),
        // JSON has no NaN and no infinity.
        Value::Float(value) if value.is_finite() => write!(out, "{value}"),
        Value::Float(_) => write!(out, "null"),
    };
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
fn text(out: &mut String, text: &str) {
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

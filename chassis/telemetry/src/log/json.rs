//! A line as one flat JSON object.

use std::fmt::Write as _;

use chrono::SecondsFormat;

use super::field::Value;
use super::layer::Line;

/// Fields with a fixed place and a promise: they stand in every line.
const PLACED: [&str; 5] = ["service", "version", "env", "correlation_id", "trace_id"];

pub(super) fn write(line: &Line<'_>) -> String {
    let mut out = String::with_capacity(640);
    out.push_str("{\"timestamp\":\"");
    out.push_str(&line.at.to_rfc3339_opts(SecondsFormat::Micros, true));
    out.push_str("\",\"level\":\"");
    out.push_str(line.metadata.level().as_str());
    out.push('"');
    placed(
        &mut out,
        "service",
        line.get("service"),
        Some(&line.constants.service),
    );
    placed(&mut out, "version", None, Some(&line.constants.version));
    placed(&mut out, "env", None, Some(&line.constants.env));
    placed(&mut out, "correlation_id", line.get("correlation_id"), None);
    placed(&mut out, "trace_id", line.get("trace_id"), None);
    key(&mut out, "target");
    text(&mut out, line.metadata.target());
    key(&mut out, "message");
    text(&mut out, line.message());
    for (name, field) in line.rest(&PLACED) {
        key(&mut out, name);
        value(&mut out, field);
    }
    out.push_str("}\n");
    out
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

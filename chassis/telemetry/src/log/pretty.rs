//! A line for eyes: `12:03:01.482  INFO order  Cancelled order 0193…  key=value`.

use std::fmt::Write as _;

use tracing::Level;

use super::field::Value;
use super::line::Line;

fn is_placed(name: &str) -> bool {
    matches!(
        name,
        "service" | "version" | "env" | "correlation_id" | "trace_id"
    )
}
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

pub(super) fn write(line: &Line<'_>, colours: bool, out: &mut String) {
    let level = line.level;
    let colour = if colours { shade(level) } else { "" };
    let (dim, reset) = if colours { (DIM, RESET) } else { ("", "") };
    let service = match line.service {
        Some(Value::Text(service)) => service,
        _ => line.constants.service.as_str(),
    };
    let at = line.at.format("%H:%M:%S%.3f");
    let message = calm(line.message());
    // Writing into a String cannot fail.
    let _ = write!(
        out,
        "{dim}{at}{reset} {colour}{level:>5}{reset} {service:<9} {message}"
    );
    for (name, value) in line.rest(is_placed) {
        let _ = match value {
            Value::Text(value) => write!(out, " {dim}{name}={}{reset}", calm(value)),
            Value::Signed(value) => write!(out, " {dim}{name}={value}{reset}"),
            Value::Unsigned(value) => write!(out, " {dim}{name}={value}{reset}"),
            Value::Float(value) => write!(out, " {dim}{name}={value}{reset}"),
            Value::Bool(value) => write!(out, " {dim}{name}={value}{reset}"),
        };
    }
    // A request's own line has enough.
    if let Some(Value::Text(id)) = line.correlation_id.filter(|_| line.target != "access") {
        let _ = write!(out, " {dim}correlation_id={}{reset}", calm(id));
    }
    out.push('\n');
}

fn shade(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

/// Control characters as their escapes: a value from outside must not be able
/// to colour, move or clear the terminal of who reads it.
fn calm(text: &str) -> std::borrow::Cow<'_, str> {
    if text.chars().any(char::is_control) {
        text.chars()
            .flat_map(|c| {
                if c.is_control() {
                    c.escape_default().collect()
                } else {
                    vec![c]
                }
            })
            .collect()
    } else {
        text.into()
    }
}

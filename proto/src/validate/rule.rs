//! The rules themselves, one function each, named as in buf.validate. Called
//! by generated code alone. Each adds at most one violation.

use std::fmt::Display;

use super::{Path, Violation};
use crate::wkt::Duration;

/// Characters of a set, `min` to `max` times in a row.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// The set, as inclusive ranges.
    pub set: &'static [(char, char)],
    /// The fewest characters.
    pub min: usize,
    /// The most characters.
    pub max: usize,
}

/// A message that must be there.
pub fn required(at: Path<'_>, present: bool, found: &mut Vec<Violation>) {
    if !present {
        push(found, at, "required", "is required");
    }
}

/// A string with at least so many characters.
pub fn min_len(at: Path<'_>, value: &str, min: usize, found: &mut Vec<Violation>) {
    // Bytes are never fewer than characters, so most strings need no counting.
    if value.len() < min || (value.len() < min * 4 && value.chars().count() < min) {
        let message = if value.is_empty() {
            "must not be empty".to_owned()
        } else {
            format!("must have at least {}", counted(min, "character"))
        };
        push(found, at, "string.min_len", message);
    }
}

/// A string with at most so many characters.
pub fn max_len(at: Path<'_>, value: &str, max: usize, found: &mut Vec<Violation>) {
    if value.len() > max && value.chars().count() > max {
        let message = format!("must have at most {}", counted(max, "character"));
        push(found, at, "string.max_len", message);
    }
}

/// A string without the character NUL, which PostgreSQL keeps in no text. It is a rule of every
/// string that has any but of passwords, without being written down.
pub fn no_nul(at: Path<'_>, value: &str, found: &mut Vec<Violation>) {
    if value.as_bytes().contains(&0) {
        push(
            found,
            at,
            "string.no_nul",
            "must not contain the character NUL",
        );
    }
}

/// A string of a regular form; the pattern's runs stand for its text.
pub fn pattern(at: Path<'_>, value: &str, regex: &str, runs: &[Run], found: &mut Vec<Violation>) {
    if !matches(runs, value) {
        push(found, at, "string.pattern", format!("must match {regex}"));
    }
}

/// A string out of a list.
pub fn one_of(at: Path<'_>, value: &str, allowed: &[&str], found: &mut Vec<Violation>) {
    if !allowed.contains(&value) {
        let message = format!("must be one of {}", allowed.join(", "));
        push(found, at, "string.in", message);
    }
}

/// A UUID in its usual form: 8-4-4-4-12 hexadecimal digits.
pub fn uuid(at: Path<'_>, value: &str, found: &mut Vec<Violation>) {
    let bytes = value.as_bytes();
    let fits = bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if value.is_empty() {
        push(
            found,
            at,
            "string.uuid_empty",
            "must not be empty: it is a UUID",
        );
    } else if !fits {
        push(found, at, "string.uuid", "must be a UUID");
    }
}

/// An e-mail address in the sense of HTML's input fields.
pub fn email(at: Path<'_>, value: &str, found: &mut Vec<Violation>) {
    if value.is_empty() {
        let message = "must not be empty: it is an e-mail address";
        push(found, at, "string.email_empty", message);
    } else if !is_email(value) {
        push(found, at, "string.email", "must be an e-mail address");
    }
}

/// A number within inclusive bounds.
pub fn range(
    at: Path<'_>,
    value: i128,
    kind: &str,
    low: Option<i128>,
    high: Option<i128>,
    found: &mut Vec<Violation>,
) {
    if low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high) {
        return;
    }
    let (rule, message) = match (low, high) {
        (Some(0), None) => ("gte", "must not be negative".to_owned()),
        (Some(low), None) => ("gte", format!("must be at least {low}")),
        (None, Some(high)) => ("lte", format!("must be at most {high}")),
        (Some(low), Some(high)) => ("gte_lte", format!("must be from {low} to {high}")),
        (None, None) => return,
    };
    push(found, at, format!("{kind}.{rule}"), message);
}

/// A number that the enum has a name for.
pub fn defined_only(at: Path<'_>, value: i32, defined: &[i32], found: &mut Vec<Violation>) {
    if !defined.contains(&value) {
        push(
            found,
            at,
            "enum.defined_only",
            "must be one of the named values",
        );
    }
}

/// A list with at least so many elements.
pub fn min_items(at: Path<'_>, count: usize, min: usize, found: &mut Vec<Violation>) {
    if count < min {
        let message = format!("must have at least {}", counted(min, "item"));
        push(found, at, "repeated.min_items", message);
    }
}

/// A list with at most so many elements.
pub fn max_items(at: Path<'_>, count: usize, max: usize, found: &mut Vec<Violation>) {
    if count > max {
        let message = format!("must have at most {}", counted(max, "item"));
        push(found, at, "repeated.max_items", message);
    }
}

/// A list without repetitions.
pub fn unique<T: PartialEq>(at: Path<'_>, items: &[T], found: &mut Vec<Violation>) {
    // Quadratic, and run on oversized lists too: look no further than the
    // first hundred, beyond which max_items has spoken.
    let items = &items[..items.len().min(100)];
    let repeats = items
        .iter()
        .enumerate()
        .any(|(at, item)| items[..at].contains(item));
    if repeats {
        push(found, at, "repeated.unique", "must not repeat an item");
    }
}

/// A duration above one bound and up to another, in seconds.
pub fn duration(at: Path<'_>, value: &Duration, above: i64, most: i64, found: &mut Vec<Violation>) {
    let value = (value.seconds, value.nanos);
    if value <= (above, 0) || value > (most, 0) {
        let message = format!("must be longer than {above} s and at most {most} s");
        push(found, at, "duration.gt_lte", message);
    }
}

/// Past so many violations nobody reads on, and an answer must not outgrow the
/// request by far.
const FOUND_MAX: usize = 100;

#[cold]
fn push(
    found: &mut Vec<Violation>,
    at: Path<'_>,
    rule: impl Into<String>,
    message: impl Into<String>,
) {
    if found.len() < FOUND_MAX {
        found.push(Violation::found(at, rule.into(), message.into()));
    }
}

fn counted(count: impl Display + PartialEq<usize>, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Whether the runs, one after the other, make up the whole value.
fn matches(runs: &[Run], value: &str) -> bool {
    let Some((run, later)) = runs.split_first() else {
        return value.is_empty();
    };
    let fits = |character: char| {
        run.set
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&character))
    };
    // Only ASCII sets exist, so characters that fit are one byte each.
    let longest = value
        .chars()
        .take(run.max)
        .take_while(|character| fits(*character))
        .count();
    longest >= run.min
        && (run.min..=longest)
            .rev()
            .any(|length| matches(later, &value[length..]))
}

/// `^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@LABEL(\.LABEL)*$`, a label being up to 63
/// letters, digits and inner dashes.
fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.split_once('@') else {
        return false;
    };
    let in_local = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    let in_label = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(in_label)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    !local.is_empty() && local.bytes().all(in_local) && domain.split('.').all(is_label)
}

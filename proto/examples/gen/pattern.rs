//! Compiles the few regular expressions the contract uses into runs of
//! characters, so that checking one needs no regex engine at run time.

use std::iter::Peekable;
use std::str::Chars;

use super::Failure;

/// `^[A-Z]{3}$` as the Rust of a list of runs. Knows sets of ASCII characters
/// and ranges, followed by nothing, `*`, `+`, `{n}` or `{m,n}`.
pub fn compile(regex: &str) -> Result<String, Failure> {
    let unknown = || Failure::from(format!("the pattern {regex} is not supported"));
    let body = regex
        .strip_prefix('^')
        .and_then(|regex| regex.strip_suffix('$'))
        .ok_or_else(unknown)?;
    let mut rest = body.chars().peekable();
    let mut runs = Vec::new();
    while let Some(character) = rest.next() {
        if character != '[' {
            return Err(unknown());
        }
        let set = set(&mut rest).ok_or_else(unknown)?;
        let (min, max) = repeat(&mut rest).ok_or_else(unknown)?;
        runs.push(format!(
            "rule::Run {{ set: &{set:?}, min: {min}, max: {max} }}"
        ));
    }
    Ok(format!("[{}]", runs.join(", ")))
}

/// The ranges of a set, its opening bracket already read.
fn set(rest: &mut Peekable<Chars<'_>>) -> Option<Vec<(char, char)>> {
    let mut ranges = Vec::new();
    loop {
        let from = rest.next()?;
        match from {
            ']' => return Some(ranges),
            '\\' | '[' | '^' => return None,
            _ => {}
        }
        if rest.peek() != Some(&'-') {
            ranges.push((from, from));
            continue;
        }
        rest.next();
        if rest.peek() == Some(&']') {
            ranges.extend([(from, from), ('-', '-')]); // a last dash is itself
        } else {
            ranges.push((from, rest.next()?));
        }
    }
}

fn repeat(rest: &mut Peekable<Chars<'_>>) -> Option<(String, String)> {
    let text = |min: &str, max: &str| Some((min.to_owned(), max.to_owned()));
    match rest.peek() {
        Some('*') => rest.next().and_then(|_| text("0", "usize::MAX")),
        Some('+') => rest.next().and_then(|_| text("1", "usize::MAX")),
        Some('{') => {
            rest.next();
            let inner: String = rest.take_while(|character| *character != '}').collect();
            let (min, max) = inner.split_once(',').unwrap_or((&inner, &inner));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            (digits(min) && digits(max)).then(|| (min.to_owned(), max.to_owned()))
        }
        _ => text("1", "1"),
    }
}

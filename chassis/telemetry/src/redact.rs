//! Keeps secrets out of what is written down.
//!
//! The contract's `sensitive` option is the rule, and the edge obeys it where
//! it knows the message. This is the net below: a field whose name says secret
//! is masked whole, and inside any text tokens, e-mail addresses, passwords in
//! URLs and card numbers are.

use std::borrow::Cow;
use std::fmt;

/// What stands in place of a secret.
pub const MASK: &str = "[redacted]";

/// True for a field whose value is masked whatever it is: its name has a part
/// that means so.
#[must_use]
pub fn is_sensitive(field: &str) -> bool {
    let named = |at: usize| -> bool {
        let parts: &[&str] = match field.as_bytes()[at] {
            b'p' => &["password"],
            b's' => &["secret"],
            b'a' => &["authorization", "access_token"],
            b'c' => &["cookie", "card_number"],
            b'e' => &["email"],
            b'r' => &["refresh_token"],
            _ => return false,
        };
        let rest = &field.as_bytes()[at..];
        parts.iter().any(|part| rest.starts_with(part.as_bytes()))
    };
    field == "token" || (0..field.len()).any(named)
}

/// A value that may be passed to a log by mistake and stays unreadable there.
#[derive(Clone, Copy)]
pub struct Masked<T>(pub T);

impl<T> fmt::Debug for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// The text without what looks like a secret in it. Borrowed when clean, which
/// is nearly always.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if !suspicious(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut masked = false;
    for word in text.split_inclusive(is_boundary) {
        let bare = word.trim_end_matches(is_boundary);
        if let Some(clean) = mask_word(bare) {
            out.push_str(&clean);
            masked = true;
        } else {
            out.push_str(bare);
        }
        out.push_str(&word[bare.len()..]);
    }
    if let Some(clean) = mask_cards(&out) {
        return Cow::Owned(clean);
    }
    if masked {
        Cow::Owned(out)
    } else {
        Cow::Borrowed(text)
    }
}

/// The fewest digits of a card.
const CARD_MIN: usize = 13;

/// A cheap test that lets ordinary text pass without a copy.
fn suspicious(text: &str) -> bool {
    let marked = memchr::memchr2(b'@', b'J', text.as_bytes()).is_some();
    marked && (text.contains('@') || text.contains("eyJ")) || has_long_number(text.as_bytes())
}

/// Whether somewhere at least as many digits as a card has follow each other, spaces and dashes
/// aside. Ids have many digits too, but letters between them: looking at each thirteenth byte
/// is enough for nearly all of them, since no longer number can hide from that.
fn has_long_number(text: &[u8]) -> bool {
    let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b' ' | b'-');
    let mut at = CARD_MIN - 1;
    while at < text.len() {
        if of_number(&text[at]) {
            let before = text[..at].iter().rev().take_while(|byte| of_number(byte));
            let start = at - before.count();
            at += text[at..].iter().take_while(|byte| of_number(byte)).count();
            let digits = text[start..at].iter().filter(|byte| byte.is_ascii_digit());
            if digits.count() >= CARD_MIN {
                return true;
            }
        }
        at += CARD_MIN;
    }
    false
}

fn is_boundary(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '"' | '\'' | ',' | ';' | '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}' | '='
        )
}

fn mask_word(word: &str) -> Option<String> {
    if word.starts_with("eyJ") && word.len() > 20 {
        return Some(MASK.to_owned());
    }
    let (before, after) = word.split_once('@')?;
    if let Some((scheme, credentials)) = before.split_once("://") {
        // postgres://name:password@host: keep who and where, drop the password.
        let name = credentials.split(':').next().unwrap_or_default();
        return credentials
            .contains(':')
            .then(|| format!("{scheme}://{name}:{MASK}@{after}"));
    }
    let domain = after.trim_end_matches(['.', ':', '!', '?']);
    (!before.is_empty() && domain.contains('.')).then(|| MASK.to_owned())
}

/// Masks runs of 13 to 19 digits, single spaces or dashes between them, that
/// pass the check sum of bank cards. Hex around a run means an id, not a card.
fn mask_cards(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        let mut digits = Vec::new();
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() {
                digits.push(bytes[at] - b'0');
            } else if !(matches!(bytes[at], b' ' | b'-')
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
            {
                break;
            }
            at += 1;
        }
        let alone = |byte: Option<&u8>| {
            !byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        };
        let bounded = alone(start.checked_sub(1).and_then(|before| bytes.get(before)))
            && alone(bytes.get(at));
        if bounded && (CARD_MIN..=19).contains(&digits.len()) && is_card(&digits) {
            out.push_str(&text[copied..start]);
            out.push_str(MASK);
            copied = at;
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// Luhn's sum.
fn is_card(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

#[cfg(test)]
mod tests {
    use super::{MASK, Masked, is_sensitive, text};

    /// row: S-12
    #[test]
    fn a_card_is_found_wherever_it_stands() {
        for shift in 0..40 {
            let around = "x".repeat(shift);
            let given = format!("{around} 4222222222222 {around}");
            let wanted = format!("{around} {MASK} {around}");
            assert_eq!(text(&given), wanted);
        }
    }

    /// row: S-12
    #[test]
    fn secrets_in_free_text_are_masked() {
        let cases = [
            (
                "mail to ann@example.test failed",
                format!("mail to {MASK} failed"),
            ),
            (
                "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.abc",
                format!("Bearer {MASK}"),
            ),
            (
                "cannot reach postgres://stoa:hunter2@db:5432/order",
                format!("cannot reach postgres://stoa:{MASK}@db:5432/order"),
            ),
            (
                "card 4111 1111 1111 1111 refused",
                format!("card {MASK} refused"),
            ),
            ("card 4111111111111111", format!("card {MASK}")),
            ("4111-1111-1111-1111", MASK.to_owned()),
            ("of 1: 4222222222222", format!("of 1: {MASK}")),
        ];
        for (given, wanted) in cases {
            assert_eq!(text(given), wanted);
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for given in [
            "Cancelled order 01935f3c-7a2b-7c3d-8e4f-1234567890ab",
            "listening on 127.0.0.1:8080",
            "took 1234567890123456 ns",
            "2026-11-21 09:50:39.123456",
            "a @ b",
            "0193-5f3c 7a2b7c3d8e4f12345678-90ab 1 2 3 4 5 6 7 8 9 0 1 2",
        ] {
            assert_eq!(text(given), given);
        }
    }

    #[test]
    fn names_that_mean_secret() {
        for name in [
            "password",
            "new_password",
            "token",
            "http.request.header.authorization",
            "email",
        ] {
            assert!(is_sensitive(name), "{name}");
        }
        for name in ["order.id", "page_token_present", "code", "duration_ms"] {
            assert!(!is_sensitive(name), "{name}");
        }
        assert_eq!(
            format!("{:?} {}", Masked("x"), Masked("x")),
            format!("{MASK} {MASK}")
        );
    }
}

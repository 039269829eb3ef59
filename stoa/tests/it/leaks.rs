//! What must never be read in what Stoa says of itself: its log, its metrics, its errors. The tests of who means harm end
//! by looking through all that was written of it.

use crate::attacks::Suite;
use crate::fleet::Fleet;
use crate::shop::{Door, STOPS_WITHIN, Shop};

/// What people of the tests keep to themselves.
const PASSWORDS: [&str; 3] = ["stoa-demo", "a short sentence", "a long sentence"];
/// Statements, in small letters.
const STATEMENTS: [&str; 6] = [
    "insert into",
    "delete from",
    "select \\\"",
    "select *",
    "\\\" where ",
    "pragma ",
];
/// Who runs Stoa is told which statement was slow, with places for its values and none of them.
const SLOW: &str = r#""target":"sqlx::query","message":"slow statement"#;
/// What only our insides would say: places in the code, frames of a stack, and what makes a terminal do things.
const INSIDES: [&str; 8] = [
    ".rs:",
    "/src/",
    "/.cargo/",
    "panicked",
    "backtrace",
    "\u{1b}",
    "\\u001b",
    "\\x1b",
];
/// What is in the name of every folder that a test keeps data in.
const FOLDER: &str = "/.tmp";
/// The digits of a card.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// What is found in a line that must not be there.
pub fn leak(line: &str, secrets: &[String]) -> Option<String> {
    let small = line.to_lowercase();
    let statements = STATEMENTS.into_iter().filter(|_| !line.contains(SLOW));
    let mut insides = INSIDES.into_iter().chain(statements);
    let inside = insides.find(|inside| small.contains(inside));
    let known = secrets.iter().map(String::as_str).chain(PASSWORDS);
    let known = known.into_iter().find(|secret| line.contains(secret));
    let words = line.split(|letter: char| !(letter.is_alphanumeric() || "@._-+".contains(letter)));
    let mut words = words.map(|word| word.trim_matches(['.', '-']));
    let word = words.find(|word| is_token(word) || is_email(word) || is_card(word));
    inside.or(known).or(word).map(str::to_owned)
}

/// Looks through many lines of what is told to those who do not run Stoa; how many they were.
pub fn search(what: &str, text: &str, secrets: &[String]) -> usize {
    let folder = text.lines().find(|line| line.contains(FOLDER));
    let said = format_args!("where the data lies is in {what}: {folder:?}");
    proof::must("S-12", folder.is_none(), said);
    look_through(what, text, secrets)
}

fn look_through(what: &str, text: &str, secrets: &[String]) -> usize {
    for line in text.lines() {
        let found = leak(line, secrets);
        let said = format_args!("{found:?} is in {what}: {line}");
        proof::must("S-12", found.is_none(), said);
    }
    text.lines().count()
}

/// Stops a shop and looks through its metrics and its log. What it says to whoever started it is no log.
pub async fn search_shop(shop: &mut Shop, secrets: &[String]) -> usize {
    let metrics = metrics(&Door::new(shop.admin.clone())).await;
    let log = shop.log().await;
    search("metrics", &metrics, secrets) + search_log(&log, secrets)
}

/// Stops a fleet and looks through the metrics and the log of each process.
pub async fn search_fleet(fleet: &mut Fleet, secrets: &[String]) -> usize {
    let mut lines = 0;
    for target in migrations::services().chain(["gateway"]) {
        lines += search(
            "metrics",
            &metrics(&fleet.admin(target).await).await,
            secrets,
        );
    }
    for process in fleet.processes.values_mut() {
        let log = process.last_words(STOPS_WITHIN).await.expect("it stops");
        lines += search_log(&log, secrets);
    }
    lines
}

/// The same of either shape.
pub async fn search_suite(suite: &mut Suite) -> usize {
    match suite {
        Suite::Up(shop) => search_shop(shop, &[]).await,
        Suite::Split(fleet) => search_fleet(fleet, &[]).await,
    }
}

fn search_log(log: &str, secrets: &[String]) -> usize {
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
    assert!(!lines.is_empty(), "nothing was logged: {log}");
    let others = log
        .lines()
        .find(|line| line.contains('\u{1b}') || line.contains("panicked"));
    assert_eq!(others, None, "beside the log");
    look_through("the log", &lines.join("\n"), secrets)
}

async fn metrics(admin: &Door) -> String {
    let metrics = admin.get("/metrics").await.bytes;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    assert!(metrics.contains("rpc_panics_total 0"), "{metrics}");
    let lines: Vec<&str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    lines.join("\n") // what they mean is said by us
}

/// A signed token: three parts, of which the first is JSON.
fn is_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.split('.').count() == 3
}

fn is_email(word: &str) -> bool {
    let parts = word.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Digits of a card's number, with its check (Luhn).
fn is_card(word: &str) -> bool {
    let digits: Vec<u32> = word
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .collect();
    let of_digits = word
        .chars()
        .all(|letter| letter.is_ascii_digit() || letter == '-');
    let groups = word.split('-').all(|group| group.len() >= 4);
    let check = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        });
    of_digits && groups && CARD_DIGITS.contains(&digits.len()) && check.sum::<u32>() % 10 == 0
}

/// row: S-12
#[test]
fn each_kind_of_leak_is_found() {
    let secrets = ["my-secret".to_owned()];
    for line in [
        r#"{"error":"INSERT INTO users (id)"}"#,
        r#"{"error":"SELECT \"id\" FROM users"}"#,
        "at /home/me/stoa/src/main.rs:7",
        "thread 'main' panicked",
        "\u{1b}[31mred",
        r#"{"name":"\u001b[31mred"}"#,
        "it is my-secret, and",
        "with password=stoa-demo",
        "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        r#"{"who":"somebody@example.test"}"#,
        "pays with 4111111111111111",
        "pays with 4111-1111-1111-1111.",
    ] {
        assert!(leak(line, &secrets).is_some(), "{line}");
    }
    for line in [
        r#"{"timestamp":"2026-11-24T10:50:43.123456Z","request.id":"01935f3c-7a2b-7c3d-8e4f-1234567890ab"}"#,
        "rpc_server_call_duration_seconds_sum 4.111111111111111",
        r#"{"message":"Selected 3 of 4111111111111112"}"#,
        r#"{"target":"sqlx::query","message":"slow statement: …","summary":"SELECT \"id\" …"}"#,
    ] {
        assert_eq!(leak(line, &secrets), None, "{line}");
    }
}

//! Bytes that nobody meant, for every parser of what strangers send: each target is a function of bytes that panics
//! where the parser breaks a promise. `just fuzz` searches with libFuzzer; `just test` replays the corpus and changes
//! of it. What a parser is reached by is what the rest of the house reaches it by: nothing is public for this.
//!
//! A dev-dependency only.

mod envelope;
mod head;
mod mutate;
mod settings;
mod texts;
mod tokens;
mod within;

pub use mutate::Mutator;

/// A promise about bytes, whatever they are.
pub type Check = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Check); 12] = [
    ("correlation_id", texts::correlation_id),
    ("cursor", texts::cursor),
    ("envelope", envelope::check),
    ("forwarded_for", texts::forwarded_for),
    ("head", head::check),
    ("idempotency_key", texts::idempotency_key),
    ("page_token", texts::page_token),
    ("query", head::query),
    ("redact", texts::redact),
    ("settings", settings::check),
    ("timeout", head::timeout),
    ("token", tokens::check),
];

/// The target of that name.
pub fn target(name: &str) -> Option<Check> {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, check)| *check)
}

//! Lists, which a file writes as arrays and the environment separated by commas.

use std::fmt;

use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};

/// Strings, from an array or from one string with commas.
pub fn strings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(Strings)
}

struct Strings;

impl<'de> Visitor<'de> for Strings {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        Ok(parts.map(str::to_owned).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<String>, A::Error> {
        let mut strings = Vec::new();
        while let Some(string) = sequence.next_element()? {
            strings.push(string);
        }
        Ok(strings)
    }
}

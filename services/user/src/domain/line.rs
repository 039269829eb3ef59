//! A line of text that people write.

use std::ops::Deref;

/// One line: no control characters, no space around it, maybe empty. So a name breaks neither a
/// log line nor the header of a letter, and every engine can store it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SingleLine(String);

/// A field holds a line break or another control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: must be one line without control characters")]
pub struct ControlCharacter {
    /// The field, as the contract names it.
    pub field: &'static str,
}

impl SingleLine {
    /// Takes the text of a field, whose length the contract has checked.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, ControlCharacter> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(ControlCharacter { field });
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes a line as it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The line as a string of its own.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Deref for SingleLine {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: S-12
    #[test]
    fn a_line_is_one_line() {
        assert_eq!(
            &*SingleLine::parse("name", " Zoë 王 🦊 ").unwrap(),
            "Zoë 王 🦊"
        );
        for bad in ["a\nb", "a\r\nBcc: b", "a\0b", "\u{1b}[31mred", "a\u{85}b"] {
            let refused = SingleLine::parse("name", bad).unwrap_err();
            assert_eq!(refused, ControlCharacter { field: "name" }, "{bad:?}");
        }
    }
}

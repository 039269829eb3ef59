//! A line of text that people write.

use std::ops::Deref;

/// One line: no control characters, none that is not seen, no space around it, maybe empty. So a name breaks neither a
/// log line nor the header of a letter, every engine can store it, and in a list of others it turns round nobody's text
/// and looks like nobody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SingleLine(String);

/// A field holds a line break, another control character, or one that is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: must be one line without control or hidden characters")]
pub struct HiddenCharacter {
    /// The field, as the contract names it.
    pub field: &'static str,
}

impl SingleLine {
    /// Takes the text of a field, whose length the contract has checked.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, HiddenCharacter> {
        let text = text.trim();
        if text.chars().any(is_hidden) {
            return Err(HiddenCharacter { field });
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

/// Control characters, separators of lines, marks of direction, and what takes no room. The joiners U+200C and U+200D
/// are not among them: Persian and the scripts of India are not written without.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
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
        for seen in ["علی\u{200c}رضا", "ක්\u{200d}ෂ", "👩\u{200d}🚀"] {
            assert_eq!(&*SingleLine::parse("name", seen).unwrap(), seen);
        }
        for bad in [
            "a\nb",
            "a\r\nBcc: b",
            "a\0b",
            "\u{1b}[31mred",
            "a\u{85}b",
            "a\u{2028}b",
            "evil\u{202e}nimda",
            "\u{2067}a\u{2069}",
            "a\u{200f}",
            "\u{61c}a",
            "Ada\u{200b}",
            "A\u{2060}da",
            "\u{feff}Ada",
        ] {
            let refused = SingleLine::parse("name", bad).unwrap_err();
            assert_eq!(refused, HiddenCharacter { field: "name" }, "{bad:?}");
        }
    }
}

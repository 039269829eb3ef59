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
        if !is_seen(text) {
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

/// Whether all of a text is seen, each character by itself or by what it does to the one before it.
fn is_seen(text: &str) -> bool {
    let mut before = None;
    for character in text.chars() {
        let fits = match character {
            _ if is_hidden(character) => false,
            '\u{200c}' => before.is_some_and(is_cursive),
            // An emoji in its own colours may be joined to the next one.
            '\u{200d}' => before
                .is_some_and(|seen| is_cursive(seen) || is_picture(seen) || picks_colours(seen)),
            _ if picks_colours(character) => before.is_some_and(is_picture),
            _ if picks_form(character) => before.is_some_and(is_han),
            _ => true,
        };
        if !fits {
            return false;
        }
        before = Some(character);
    }
    !before.is_some_and(|last| matches!(last, '\u{200c}' | '\u{200d}'))
}

/// Scripts whose letters take another form by a joiner between them: Arabic and its kin, and those of India and around
/// it. In all others a joiner does nothing that is seen.
fn is_cursive(letter: char) -> bool {
    matches!(
        letter,
        '\u{600}'..='\u{61b}' // Arabic, Syriac, N'Ko …
            | '\u{61d}'..='\u{dff}' // … to Sinhala
            | '\u{1000}'..='\u{109f}' // Myanmar
            | '\u{1780}'..='\u{18af}' // Khmer, Mongolian
            | '\u{1b00}'..='\u{1bff}' // Balinese, Sundanese, Batak
            | '\u{a980}'..='\u{a9df}' // Javanese
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefc}' // forms of Arabic letters
            | '\u{11000}'..='\u{11fff}' // Brahmi and its kin
    )
}

/// Symbols and emoji, the colours of skin among them.
fn is_picture(character: char) -> bool {
    matches!(
        character,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
            | '\u{2190}'..='\u{27ff}'
            | '\u{2900}'..='\u{2bff}'
            | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

/// Letters of names in China, Japan and Korea, some of which are written in several forms.
fn is_han(letter: char) -> bool {
    matches!(
        letter,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

/// What shows an emoji in its own colours, or as a letter.
fn picks_colours(character: char) -> bool {
    matches!(character, '\u{fe0e}' | '\u{fe0f}')
}

/// What picks a form of a Han letter.
fn picks_form(character: char) -> bool {
    matches!(character, '\u{e0100}'..='\u{e01ef}')
}

/// Control characters, separators of lines, marks of direction, and what takes no room or only room (the code points
/// that Unicode lets be ignored by default, and blanks that are no spaces).
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0d}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e00ff}'
                | '\u{e01f0}'..='\u{e0fff}'
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
        for seen in [
            "علی\u{200c}رضا",
            "ක්\u{200d}ෂ",
            "👩\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥",
            "邉\u{e0102}",
        ] {
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
            "\u{3164}",
            "\u{2800}",
            "\u{200d}",
            "Ada\u{200d}",
            "A\u{200c}da",
            "Ada\u{fe0f}",
            "Nguyễ\u{200d}n",
            "Rene\u{301}\u{200d}e",
            "Ан\u{200c}на",
            "Ａ\u{200c}ｄａ",
            "王\u{fe0f}",
            "王\u{200d}明",
            "🦊\u{e0102}",
            "Ada\u{ad}",
            "Ada\u{e0041}",
            "क\u{200d}\u{200d}ष",
            "क\u{200d}",
        ] {
            let refused = SingleLine::parse("name", bad).unwrap_err();
            assert_eq!(refused, HiddenCharacter { field: "name" }, "{bad:?}");
        }
    }
}

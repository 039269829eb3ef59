//! What a person proves themselves with, before it is hashed.

mod guess;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// The fewest characters a chosen password has.
pub const LENGTH_MIN: usize = 8;
/// The most characters a chosen password has: hashing takes time in its length.
pub const LENGTH_MAX: usize = 128;

/// A password in Unicode form NFKC, so that two keyboards which write the same letters
/// differently sign in alike. Wiped when dropped, never printed.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

/// Whose password it is to be: what others know of them is no secret.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The address to sign in with.
    pub email: &'a str,
    /// The full name, maybe empty.
    pub name: &'a str,
}

/// Why a password may not be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// It has too few or too many characters.
    #[error("must have {LENGTH_MIN} to {LENGTH_MAX} characters")]
    Length,
    /// It is among the first that anybody would try.
    #[error(
        "is one that many people take or that your account tells: put three or four words together that do not belong together"
    )]
    Guessed,
}

impl Password {
    /// Takes a password that somebody chooses, and that must therefore be neither short nor
    /// easily guessed.
    pub fn chosen(text: &str, owner: Owner<'_>) -> Result<Self, BadPassword> {
        let password = Self::presented(text);
        let text = password.0.expose_secret();
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&text.chars().count()) {
            return Err(BadPassword::Length);
        }
        if guess::is_guessed(text, owner.email, owner.name) {
            return Err(BadPassword::Guessed);
        }
        Ok(password)
    }

    /// Takes a password that somebody signs in with: it is right or wrong, not well formed or
    /// not. The contract has limited its length.
    pub fn presented(text: &str) -> Self {
        Self(SecretString::from(text.nfkc().collect::<String>()))
    }

    /// The bytes to hash.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str) -> Result<(), BadPassword> {
        let owner = Owner {
            email: "ada@example.test",
            name: "Ada",
        };
        Password::chosen(text, owner).map(drop)
    }

    /// row: X23
    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(chosen("пар€ль "), Err(BadPassword::Length));
        assert_eq!(chosen("пар€ль €"), Ok(()));
        let longest = "не бойся, я с тобой ".repeat(6) + "навсегда";
        assert_eq!(chosen(&longest), Ok(()));
        assert_eq!(chosen(&(longest + "!")), Err(BadPassword::Length));
    }

    #[test]
    fn length_is_counted_after_normalising() {
        // One character on the wire, eighteen after NFKC.
        assert_eq!(chosen(&"\u{fdfa}".repeat(128)), Err(BadPassword::Length));
        // Eight on the wire, four after it.
        assert_eq!(chosen(&"e\u{301}".repeat(4)), Err(BadPassword::Length));
    }

    /// row: X23
    #[test]
    fn a_password_is_looked_at_as_it_is_hashed() {
        let wide = "\u{ff50}\u{ff41}\u{ff53}\u{ff53}word"; // "pass" in full-width letters
        assert_eq!(chosen(wide), Err(BadPassword::Guessed));
    }

    #[test]
    fn composed_and_decomposed_letters_are_one_password() {
        let composed = Password::presented("caf\u{e9} au lait");
        let decomposed = Password::presented("cafe\u{301} au lait");
        assert_eq!(composed.expose(), decomposed.expose());
    }

    /// row: S-12
    #[test]
    fn a_password_is_not_printed_by_debug() {
        assert!(!format!("{:?}", Password::presented("correct horse")).contains("horse"));
    }
}

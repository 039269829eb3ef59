//! What a person proves themselves with, before it is hashed.

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

/// A chosen password has too few or too many characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has {LENGTH_MIN} to {LENGTH_MAX} characters")]
pub struct BadLength;

impl Password {
    /// Takes a password that somebody chooses, and that must therefore obey the rule of length.
    pub fn chosen(text: &str) -> Result<Self, BadLength> {
        let password = Self::presented(text);
        let length = password.0.expose_secret().chars().count();
        if (LENGTH_MIN..=LENGTH_MAX).contains(&length) {
            Ok(password)
        } else {
            Err(BadLength)
        }
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

    /// row: X23
    #[test]
    fn length_is_counted_in_characters() {
        assert!(Password::chosen("1234567").is_err());
        assert!(Password::chosen("12345678").is_ok());
        assert!(Password::chosen("пароль€€").is_ok());
        assert!(Password::chosen(&"€".repeat(128)).is_ok());
        assert!(Password::chosen(&"€".repeat(129)).is_err());
    }

    #[test]
    fn length_is_counted_after_normalising() {
        // One character on the wire, eighteen after NFKC.
        assert!(Password::chosen(&"\u{fdfa}".repeat(128)).is_err());
        // Eight on the wire, four after it.
        assert!(Password::chosen(&"e\u{301}".repeat(4)).is_err());
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

//! The address a person signs in with.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// An e-mail address as its owner writes it. Two spellings that differ only in letter case or
/// in Unicode form are one address: see [`Email::key`].
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Takes an address. At sign-up the contract has checked its form; at sign-in it may be
    /// anything, and is then nobody's.
    pub fn new(address: &str) -> Self {
        Self(
            address
                .trim()
                .chars()
                .filter(|character| !character.is_control())
                .collect(),
        )
    }

    /// The address as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is unique among all accounts.
    pub fn key(&self) -> EmailKey {
        EmailKey(self.0.nfkc().collect::<String>().to_lowercase())
    }
}

/// An address never reaches a log by way of `{:?}`.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// An e-mail address in the one form by which it is compared and found.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailKey(String);

impl EmailKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: D1
    #[test]
    fn case_and_unicode_form_make_no_second_account() {
        let key = Email::new("ada@example.test").key();
        for other in [
            " Ada@Example.TEST ",
            "ADA@EXAMPLE.TEST",
            "ａｄａ@example.test",
        ] {
            assert_eq!(Email::new(other).key(), key, "{other:?}");
        }
        assert_ne!(Email::new("ada2@example.test").key(), key);
    }

    /// row: S-12
    #[test]
    fn an_address_is_not_printed_by_debug() {
        let email = Email::new("ada@example.test");
        assert!(!format!("{email:?}{:?}", email.key()).contains("ada"));
    }
}

//! Money as this service counts it: integer minor units of one currency, never a float, every sum checked.

use std::fmt;

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// An amount of minor units (cents) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    /// What is counted.
    pub currency: Currency,
    /// How many of its smallest unit.
    pub minor: i64,
}

/// A text that is no currency code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a currency code")]
pub struct NotACurrency(pub String);

impl Currency {
    /// Reads a code such as `EUR`.
    pub fn parse(code: &str) -> Result<Self, NotACurrency> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(NotACurrency(code.to_owned())),
        }
    }

    /// The code as text.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of ASCII letters only")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Amount {
    /// An amount of `minor` units.
    pub fn new(currency: Currency, minor: i64) -> Self {
        Self { currency, minor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_capital_letters_are_a_currency() {
        let euro = Currency::parse("EUR").unwrap();
        assert_eq!((euro.code(), euro.to_string().as_str()), ("EUR", "EUR"));
        for bad in ["", "eur", "EURO", "E1R", "€"] {
            assert_eq!(Currency::parse(bad), Err(NotACurrency(bad.to_owned())));
        }
    }
}

//! Money as integer minor units of one currency. Every sum is checked: a wrapped one is a wrong one.

use std::fmt;

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// None unless the text is three capital ASCII letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(code))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is three ASCII letters")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of minor units, never negative; its currency stands beside it, once per price or quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i64);

impl Amount {
    pub const ZERO: Self = Self(0);

    /// None for a negative number.
    #[must_use]
    pub fn new(minor_units: i64) -> Option<Self> {
        (minor_units >= 0).then_some(Self(minor_units))
    }

    #[must_use]
    pub fn minor_units(self) -> i64 {
        self.0
    }

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// None when it would fall below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::new)
    }

    #[must_use]
    pub fn times(self, quantity: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(quantity)).map(Self)
    }

    /// The given percentage of this amount, half a minor unit rounded up. Never more than the amount itself.
    #[must_use]
    pub fn percent(self, percent: Percent) -> Self {
        let hundredths = i128::from(self.0) * i128::from(percent.0);
        let rounded = (hundredths + 50) / 100;
        Self(i64::try_from(rounded).expect("at most 100 % of an i64 fits an i64"))
    }
}

/// A whole percentage from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// None outside 0 to 100.
    #[must_use]
    pub fn new(percent: i32) -> Option<Self> {
        u8::try_from(percent).ok().filter(|p| *p <= 100).map(Self)
    }

    #[must_use]
    pub fn get(self) -> i32 {
        i32::from(self.0)
    }
}

#[cfg(test)]
mod tests;

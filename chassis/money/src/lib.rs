//! Money as every service counts it: whole minor units of one currency, never negative, never a
//! float, every sum checked. A wrapped sum is a wrong one, and one of two currencies is none.
//!
//! It knows no message and no table: the contract's `Money` is converted beside the contract, and
//! columns are read by [`Amount::parse`]. Deliberately has no exchange rate and no sign: what the
//! books take away stands in the books.

use std::fmt;

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// So many of a currency's smallest unit: cents of EUR, yen of JPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    currency: Currency,
    minor_units: i64,
}

/// A whole percentage from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Currency {
    /// None unless the code is three capital ASCII letters.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(letters))
    }

    /// The code.
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

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Amount {
    /// None for less than nothing.
    #[must_use]
    pub fn new(currency: Currency, minor_units: i64) -> Option<Self> {
        (minor_units >= 0).then_some(Self {
            currency,
            minor_units,
        })
    }

    /// The amount that two columns or two fields say; none where they say none.
    #[must_use]
    pub fn parse(currency_code: &str, minor_units: i64) -> Option<Self> {
        Self::new(Currency::parse(currency_code)?, minor_units)
    }

    /// Nothing, in this currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self {
            currency,
            minor_units: 0,
        }
    }

    /// In what it is counted.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// How many of the currency's smallest unit.
    #[must_use]
    pub fn minor_units(self) -> i64 {
        self.minor_units
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.minor_units == 0
    }

    /// Both together; none if they are of two currencies, or more than an amount can be.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let minor_units = self.minor_units.checked_add(other.minor_units)?;
        self.alike(other, minor_units)
    }

    /// This without the other; none if they are of two currencies, or the other is more.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        // Neither is negative, so the difference exists.
        self.alike(other, self.minor_units - other.minor_units)
    }

    /// So many times this; none if it is more than an amount can be.
    #[must_use]
    pub fn times(self, quantity: u32) -> Option<Self> {
        let minor_units = self.minor_units.checked_mul(quantity.into())?;
        Self::new(self.currency, minor_units)
    }

    /// So much of it, half a minor unit rounded up. Never more than it is itself.
    #[must_use]
    pub fn percent(self, percent: Percent) -> Self {
        let hundredths = i128::from(self.minor_units) * i128::from(percent.0);
        let rounded = i64::try_from((hundredths + 50) / 100);
        Self {
            currency: self.currency,
            minor_units: rounded.expect("at most 100 % of an i64 fits an i64"),
        }
    }

    fn alike(self, other: Self, minor_units: i64) -> Option<Self> {
        let currency = (self.currency == other.currency).then_some(self.currency)?;
        Self::new(currency, minor_units)
    }
}

impl Percent {
    /// None outside 0 to 100.
    #[must_use]
    pub fn new(percent: i32) -> Option<Self> {
        u8::try_from(percent).ok().filter(|p| *p <= 100).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0.into()
    }
}

#[cfg(test)]
mod tests;

//! A sum in one currency. Sums are added up in the ledger alone.

use std::fmt;

/// An ISO 4217 code, such as `EUR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Takes three capital letters; anything else is no code.
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(letters))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A sum, never negative and never a fraction of a minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    /// In what.
    pub currency: Currency,
    minor_units: i64,
}

impl Amount {
    /// Takes a sum in the currency's smallest unit; a negative one is no amount.
    pub fn new(currency: Currency, minor_units: i64) -> Option<Self> {
        (minor_units >= 0).then_some(Self {
            currency,
            minor_units,
        })
    }

    /// Nothing, in this currency.
    pub fn zero(currency: Currency) -> Self {
        Self {
            currency,
            minor_units: 0,
        }
    }

    /// The sum in the currency's smallest unit.
    pub fn minor_units(self) -> i64 {
        self.minor_units
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.minor_units == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_capital_letters() {
        let euro = Currency::parse("EUR").unwrap();
        assert_eq!((euro.as_str(), euro.to_string().as_str()), ("EUR", "EUR"));
        for bad in ["", "eur", "EURO", "E R", "ÄÖ"] {
            assert_eq!(Currency::parse(bad), None, "{bad:?}");
        }
    }

    /// row: S-20
    #[test]
    fn an_amount_is_never_negative() {
        let euro = Currency::parse("EUR").unwrap();
        assert_eq!(Amount::new(euro, -1), None);
        assert_eq!(Amount::new(euro, i64::MIN), None);
        assert!(Amount::new(euro, i64::MAX).is_some());
        let nothing = Amount::zero(euro);
        assert_eq!(Amount::new(euro, 0), Some(nothing));
        assert!(nothing.is_zero());
        let cent = Amount::new(euro, 1).unwrap();
        assert!(!cent.is_zero());
        assert_eq!(cent.minor_units(), 1);
    }
}

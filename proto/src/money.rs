//! `Money` of the contract, from an [`Amount`] and back. What sums there are is the amount's.

use money::Amount;

use crate::pricing::v1::Money;

impl Money {
    /// The amount it says; none if it is of no currency, or less than nothing.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        Amount::parse(&self.currency_code, self.minor_units)
    }
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self {
            currency_code: amount.currency().to_string(),
            minor_units: amount.minor_units(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(currency_code: &str, minor_units: i64) -> Money {
        Money {
            currency_code: currency_code.to_owned(),
            minor_units,
        }
    }

    /// row: S-20
    #[test]
    fn an_amount_comes_back_as_it_went() {
        for (currency_code, minor_units) in [("EUR", 1999), ("JPY", 0), ("USD", i64::MAX)] {
            let amount = Amount::parse(currency_code, minor_units).expect("an amount");
            let wire = Money::from(amount);
            assert_eq!(wire, money(currency_code, minor_units));
            assert_eq!(wire.amount(), Some(amount));
        }
        for (currency_code, minor_units) in [("", 1), ("eur", 1), ("EUR", -1), ("EUR", i64::MIN)] {
            assert_eq!(money(currency_code, minor_units).amount(), None);
        }
    }
}

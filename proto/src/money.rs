//! Checked sums of money. Amounts of different currencies never mix, and a sum
//! that does not fit is an error, not a wrapped number.

use crate::pricing::v1::Money;

/// Why two amounts do not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyError {
    /// The amounts are in different currencies: the first's and the second's.
    CurrencyMismatch(String, String),
    /// The result does not fit into 64 bits of minor units.
    Overflow,
}

impl std::fmt::Display for MoneyError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CurrencyMismatch(left, right) => {
                write!(formatter, "{left} and {right} do not add up")
            }
            Self::Overflow => formatter.write_str("the amount is too large"),
        }
    }
}

impl std::error::Error for MoneyError {}

impl Money {
    /// An amount of minor units: cents for EUR, yen for JPY.
    #[must_use]
    pub fn new(currency_code: impl Into<String>, minor_units: i64) -> Self {
        Self {
            currency_code: currency_code.into(),
            minor_units,
        }
    }

    /// Nothing, in a currency.
    #[must_use]
    pub fn zero(currency_code: impl Into<String>) -> Self {
        Self::new(currency_code, 0)
    }

    /// This amount and another of its currency.
    pub fn checked_add(&self, other: &Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// This amount less another of its currency; may be negative.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// This amount so many times.
    pub fn checked_mul(&self, times: i64) -> Result<Self, MoneyError> {
        let minor_units = self.minor_units.checked_mul(times);
        Ok(Self::new(
            self.currency_code.as_str(),
            minor_units.ok_or(MoneyError::Overflow)?,
        ))
    }

    /// So many hundredths of this amount, rounded half up: half a minor unit
    /// goes towards the greater number.
    pub fn checked_percent(&self, percent: i32) -> Result<Self, MoneyError> {
        // 128 bits hold any product of the two, and the 50 added.
        let hundredths = i128::from(self.minor_units) * i128::from(percent);
        let rounded = (hundredths + 50).div_euclid(100);
        let minor_units = i64::try_from(rounded).map_err(|_| MoneyError::Overflow)?;
        Ok(Self::new(self.currency_code.as_str(), minor_units))
    }

    /// The sum of the amounts, which must all be in the currency.
    pub fn checked_sum<'a>(
        currency_code: &str,
        amounts: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Self, MoneyError> {
        let mut amounts = amounts.into_iter();
        amounts.try_fold(Self::zero(currency_code), |sum, amount| {
            sum.checked_add(amount)
        })
    }

    fn combine(
        &self,
        other: &Self,
        operation: fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, MoneyError> {
        if self.currency_code != other.currency_code {
            return Err(MoneyError::CurrencyMismatch(
                self.currency_code.clone(),
                other.currency_code.clone(),
            ));
        }
        let minor_units = operation(self.minor_units, other.minor_units);
        Ok(Self::new(
            self.currency_code.as_str(),
            minor_units.ok_or(MoneyError::Overflow)?,
        ))
    }
}

#[cfg(test)]
mod tests;

use proptest::prelude::*;

use super::*;

fn euro(minor_units: i64) -> Amount {
    Amount::parse("EUR", minor_units).expect("an amount")
}

fn yen(minor_units: i64) -> Amount {
    Amount::parse("JPY", minor_units).expect("an amount")
}

fn percent(whole: i32) -> Percent {
    Percent::new(whole).expect("0 to 100")
}

/// The sum as it is, if an amount can be it.
fn within(sum: i128) -> Option<Amount> {
    i64::try_from(sum)
        .ok()
        .and_then(|sum| Amount::parse("EUR", sum))
}

#[test]
fn a_currency_is_three_capital_letters() {
    let currency = Currency::parse("EUR").expect("a currency");
    assert_eq!(currency.as_str(), "EUR");
    assert_eq!(format!("{currency} {currency:?}"), "EUR EUR");
    for wrong in ["", "EU", "EURO", "eur", "E1R", "E R", "€", "ÄÖ"] {
        assert_eq!(Currency::parse(wrong), None, "{wrong:?}");
        assert_eq!(Amount::parse(wrong, 1), None, "{wrong:?}");
    }
}

/// row: S-20
#[test]
fn an_amount_is_never_negative() {
    let currency = Currency::parse("EUR").expect("a currency");
    for wrong in [-1, i64::MIN] {
        assert_eq!(Amount::new(currency, wrong), None);
        assert_eq!(Amount::parse("EUR", wrong), None);
    }
    for minor_units in [0, 1, i64::MAX] {
        let amount = Amount::new(currency, minor_units).expect("an amount");
        assert_eq!(amount, euro(minor_units));
        assert_eq!(amount.currency(), currency);
        assert_eq!(amount.minor_units(), minor_units);
        assert_eq!(amount.is_zero(), amount == Amount::zero(currency));
    }
    assert_eq!(Amount::zero(currency), euro(0));
    assert!(euro(0).is_zero() && !euro(1).is_zero());
}

/// A percentage rounds half a minor unit up.
/// row: D14
#[test]
fn percentages_round_half_up() {
    for (minor_units, whole, expected) in [
        (1999, 10, 200), // 199.9
        (5, 10, 1),      // 0.5 goes up
        (4, 10, 0),      // 0.4 goes down
        (15, 50, 8),     // 7.5 goes up
        (1, 100, 1),
        (1, 0, 0),
        (i64::MAX, 100, i64::MAX),
    ] {
        assert_eq!(
            euro(minor_units).percent(percent(whole)),
            euro(expected),
            "{whole} % of {minor_units}"
        );
    }
}

#[test]
fn percentages_are_whole_and_from_0_to_100() {
    for whole in [0, 1, 50, 99, 100] {
        assert_eq!(Percent::new(whole).map(Percent::get), Some(whole));
    }
    for wrong in [-1, 101, 256, i32::MIN, i32::MAX] {
        assert_eq!(Percent::new(wrong), None, "{wrong}");
    }
}

proptest! {
    /// row: D14
    #[test]
    fn a_percentage_is_within_half_a_unit_and_never_more_than_the_whole(
        minor_units in 0..=i64::MAX, whole in 0..=100,
    ) {
        let part = euro(minor_units).percent(percent(whole)).minor_units();
        prop_assert!(part <= minor_units);
        let error = i128::from(part) * 100 - i128::from(minor_units) * i128::from(whole);
        prop_assert!((-49..=50).contains(&error), "off by {error} hundredths");
    }

    /// row: D14
    #[test]
    fn a_higher_percentage_never_takes_less_off(minor_units in 0..=i64::MAX, a in 0..=100_i32, b in 0..=100_i32) {
        let part = |whole| euro(minor_units).percent(percent(whole)).minor_units();
        prop_assert!(part(a.min(b)) <= part(a.max(b)));
    }

    /// row: S-20
    #[test]
    fn a_sum_is_what_it_is_or_none(a in 0..=i64::MAX, b in 0..=i64::MAX, quantity in 0_u32..) {
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        prop_assert_eq!(euro(a).plus(euro(b)), within(wide_a + wide_b));
        prop_assert_eq!(euro(a).minus(euro(b)), within(wide_a - wide_b));
        prop_assert_eq!(euro(a).times(quantity), within(wide_a * i128::from(quantity)));
        // Most products of any two are too large.
        let few = quantity % 1000;
        prop_assert_eq!(euro(a / 1000).times(few), within(wide_a / 1000 * i128::from(few)));
    }

    /// row: S-20
    #[test]
    fn amounts_of_two_currencies_have_no_sum(a in 0..=i64::MAX, b in 0..=i64::MAX) {
        let (less, more) = (a.min(b), a.max(b));
        prop_assert_eq!(euro(a / 2).plus(yen(b / 2)), None);
        prop_assert_eq!(euro(more).minus(yen(less)), None);
        prop_assert_ne!(euro(a), yen(a));
    }
}

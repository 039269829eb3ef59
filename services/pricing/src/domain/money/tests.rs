use proptest::prelude::*;

use super::*;

fn amount(minor_units: i64) -> Amount {
    Amount::new(minor_units).expect("not negative")
}

fn percent(whole: i32) -> Percent {
    Percent::new(whole).expect("0 to 100")
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
            amount(minor_units).percent(percent(whole)),
            amount(expected),
            "{whole} % of {minor_units}"
        );
    }
}

#[test]
fn currencies_are_three_capital_letters() {
    assert_eq!(
        Currency::parse("EUR").map(|c| c.to_string()).as_deref(),
        Some("EUR")
    );
    for wrong in ["", "EU", "EURO", "eur", "E1R", "€"] {
        assert_eq!(Currency::parse(wrong), None, "{wrong:?}");
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
        let part = amount(minor_units).percent(percent(whole));
        prop_assert!(part <= amount(minor_units));
        let error = i128::from(part.minor_units()) * 100 - i128::from(minor_units) * i128::from(whole);
        prop_assert!((-49..=50).contains(&error), "off by {error} hundredths");
    }

    /// row: D14
    #[test]
    fn a_higher_percentage_never_takes_less_off(minor_units in 0..=i64::MAX, a in 0..=100_i32, b in 0..=100_i32) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(amount(minor_units).percent(percent(low)) <= amount(minor_units).percent(percent(high)));
    }

    #[test]
    fn sums_that_would_wrap_are_none(a in 0..=i64::MAX, b in 0..=i64::MAX, quantity in 0_u32..) {
        prop_assert_eq!(
            amount(a).checked_add(amount(b)).map(Amount::minor_units).map(i128::from),
            Some(i128::from(a) + i128::from(b)).filter(|sum| *sum <= i128::from(i64::MAX))
        );
        prop_assert_eq!(
            amount(a).times(quantity).map(Amount::minor_units).map(i128::from),
            Some(i128::from(a) * i128::from(quantity)).filter(|product| *product <= i128::from(i64::MAX))
        );
        prop_assert_eq!(amount(a).checked_sub(amount(b)).is_some(), a >= b);
    }
}

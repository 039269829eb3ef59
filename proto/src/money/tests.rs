use proptest::prelude::*;

use super::*;

fn eur(minor_units: i64) -> Money {
    Money::new("EUR", minor_units)
}

proptest! {
    /// row: D14
    #[test]
    fn addition_is_exact_or_refused(a: i64, b: i64) {
        match a.checked_add(b) {
            Some(sum) => {
                prop_assert_eq!(eur(a).checked_add(&eur(b)), Ok(eur(sum)));
                prop_assert_eq!(eur(b).checked_add(&eur(a)), Ok(eur(sum)));
                prop_assert_eq!(eur(sum).checked_sub(&eur(b)), Ok(eur(a)));
            }
            None => prop_assert_eq!(eur(a).checked_add(&eur(b)), Err(MoneyError::Overflow)),
        }
    }

    /// row: D14
    #[test]
    fn multiplication_is_repeated_addition(a in -1_000_000_000_i64..1_000_000_000, times in 0_i64..100) {
        let pieces = vec![eur(a); times as usize];
        prop_assert_eq!(eur(a).checked_mul(times), Money::checked_sum("EUR", &pieces));
    }

    /// row: D14
    #[test]
    fn multiplication_never_wraps(a: i64, times: i64) {
        let expected = a.checked_mul(times).map(eur).ok_or(MoneyError::Overflow);
        prop_assert_eq!(eur(a).checked_mul(times), expected);
    }

    /// A percentage and what remains of it make the whole again, and the
    /// rounding is off by half a minor unit at most.
    ///
    /// row: D14
    #[test]
    fn percentages_split_without_loss(a in 0_i64..1_000_000_000_000, percent in 1_i32..=100) {
        let discount = eur(a).checked_percent(percent).unwrap();
        let rest = eur(a).checked_sub(&discount).unwrap();
        prop_assert_eq!(discount.checked_add(&rest), Ok(eur(a)));
        prop_assert!(discount.minor_units >= 0 && rest.minor_units >= 0);
        let error = discount.minor_units * 100 - a * i64::from(percent);
        prop_assert!((-49..=50).contains(&error), "off by {error} hundredths");
    }
}

#[test]
fn half_a_cent_rounds_up() {
    assert_eq!(eur(50).checked_percent(1), Ok(eur(1)));
    assert_eq!(eur(49).checked_percent(1), Ok(eur(0)));
    assert_eq!(eur(-50).checked_percent(1), Ok(eur(0)));
}

#[test]
fn currencies_do_not_mix() {
    let yen = Money::new("JPY", 1);
    let mismatch = MoneyError::CurrencyMismatch("EUR".into(), "JPY".into());
    assert_eq!(eur(1).checked_add(&yen), Err(mismatch.clone()));
    assert_eq!(Money::checked_sum("EUR", [&yen]), Err(mismatch));
}

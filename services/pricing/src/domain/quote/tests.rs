use chrono::TimeDelta;
use money::Percent;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::promotion::{PromotionTarget, Window};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

fn sku(number: usize) -> Sku {
    Sku::new(format!("SKU-{number}"))
}

fn item(number: usize, quantity: u32) -> Item {
    Item {
        sku: sku(number),
        quantity,
    }
}

fn prices(minor_units: &[i64]) -> BTreeMap<Sku, Amount> {
    let amounts = minor_units
        .iter()
        .map(|m| Amount::parse("EUR", *m).expect("an amount"));
    amounts
        .enumerate()
        .map(|(number, amount)| (sku(number), amount))
        .collect()
}

fn promotion(target: PromotionTarget, percent: i32, min_quantity: u32) -> Promotion {
    let hour = TimeDelta::hours(1);
    let window = Window::new(now() - hour, Some(now() + hour)).expect("a window");
    let percent = Percent::new(percent).expect("0 to 100");
    Promotion {
        id: Uuid::nil(),
        target,
        percent,
        min_quantity,
        window,
    }
}

fn ask(
    items: Vec<Item>,
    minor_units: &[i64],
    promotions: &[Promotion],
) -> Result<Quote, QuoteError> {
    let currency = Currency::parse("EUR").expect("a currency");
    quote(currency, items, &prices(minor_units), promotions, now())
}

fn check(
    items: Vec<Item>,
    minor_units: &[i64],
    promotions: &[Promotion],
    discount: i64,
    total: i64,
) {
    let quote = ask(items, minor_units, promotions).expect("a quote");
    assert_eq!(
        (quote.discount.minor_units(), quote.total.minor_units()),
        (discount, total)
    );
}

/// row: D14
#[test]
fn without_promotions_the_total_is_the_sum_of_the_lines() {
    check(vec![item(0, 2), item(1, 1)], &[1999, 500], &[], 0, 4498);
    check(vec![], &[], &[], 0, 0);
}

/// Two lines of 5 minor units at 10 % lose 1 each, not 1 together.
/// row: D14
#[test]
fn a_percentage_rounds_per_line() {
    let ten = [promotion(PromotionTarget::Everything, 10, 1)];
    check(vec![item(0, 1), item(1, 1)], &[5, 5], &ten, 2, 8);
}

/// row: D14
#[test]
fn the_best_single_promotion_wins_and_none_add_up() {
    let offers = [
        promotion(PromotionTarget::Everything, 10, 1),
        promotion(PromotionTarget::Sku(sku(0)), 25, 1),
        promotion(PromotionTarget::Sku(sku(0)), 20, 1),
    ];
    check(
        vec![item(0, 1), item(1, 1)],
        &[1000, 1000],
        &offers,
        350,
        1650,
    );
}

/// row: D14
#[test]
fn a_minimum_counts_the_pieces_of_one_line() {
    let three = [promotion(PromotionTarget::Sku(sku(0)), 10, 3)];
    check(vec![item(0, 2)], &[1000], &three, 0, 2000);
    check(vec![item(0, 3)], &[1000], &three, 300, 2700);
    check(vec![item(0, 2), item(0, 1)], &[1000], &three, 0, 3000);
    check(
        vec![item(0, 3), item(1, 3)],
        &[1000, 1000],
        &three,
        300,
        5700,
    );
}

/// row: D14
#[test]
fn a_promotion_runs_from_its_start_until_just_before_its_end() {
    let mut offer = promotion(PromotionTarget::Everything, 10, 1);
    let (start, end) = (now() - TimeDelta::hours(1), now() + TimeDelta::hours(1));
    let instant = TimeDelta::microseconds(1);
    for (at, applies) in [
        (start - instant, false),
        (start, true),
        (end - instant, true),
        (end, false),
    ] {
        assert_eq!(offer.applies(&sku(0), 1, at), applies, "at {at}");
    }
    offer.window = Window::new(start, None).expect("a window");
    assert!(
        offer.applies(&sku(0), 1, end + TimeDelta::days(10_000)),
        "without an end it stays"
    );
}

#[test]
fn a_window_says_when_it_is() {
    let end = now() + TimeDelta::hours(1);
    for end in [Some(end), None] {
        let window = Window::new(now(), end).expect("a window");
        assert_eq!((window.starts_at(), window.ends_at()), (now(), end));
    }
}

#[test]
fn a_window_that_never_opens_is_refused() {
    assert_eq!(Window::new(now(), Some(now())), Err(promotion::EmptyWindow));
}

/// row: D14
#[test]
fn skus_without_a_price_are_named_once_each() {
    let refused = ask(
        vec![item(1, 1), item(7, 1), item(7, 2), item(0, 1), item(9, 1)],
        &[1, 1],
        &[],
    );
    let Err(refusal) = refused else {
        panic!("a refusal, not {refused:?}")
    };
    assert_eq!(refusal.to_string(), "no price in EUR for SKU-7, SKU-9");
    let QuoteError::NoPrice { skus, .. } = refusal else {
        panic!("a refusal for want of prices, not {refusal}")
    };
    assert_eq!(skus, [sku(7), sku(9)]);
}

/// A refusal goes in headers, however long the cart.
///
/// row: D14
#[test]
fn of_many_skus_without_a_price_the_first_are_named() {
    let skus: Vec<Sku> = (10..40).map(sku).collect();
    let refusal = QuoteError::NoPrice {
        skus: skus.clone(),
        currency: Currency::parse("EUR").expect("a currency"),
    };
    let told = refusal.to_string();
    assert!(told.ends_with("SKU-18, SKU-19 and 20 more"), "{told}");
    assert_eq!(named(&skus).len(), 10);
}

#[test]
fn a_sku_is_found_and_told_by_its_text() {
    assert_eq!(sku(7).as_str(), "SKU-7");
    assert_eq!(sku(7).to_string(), "SKU-7");
    assert_eq!(sku(7).into_string(), "SKU-7");
    let skus = BTreeSet::from([sku(7)]);
    assert!(skus.contains("SKU-7") && !skus.contains(""));
}

#[test]
fn a_sum_that_would_wrap_is_refused() {
    for items in [vec![item(0, 2)], vec![item(0, 1), item(0, 1)]] {
        assert_eq!(ask(items, &[i64::MAX], &[]), Err(QuoteError::Overflow));
    }
}

prop_compose! {
    fn carts()(
        minor_units in prop::collection::vec(0_i64..10_000_000, 1..6),
        lines in prop::collection::vec((any::<prop::sample::Index>(), 1_u32..=100), 1..20),
        offers in prop::collection::vec((0_usize..8, 0..=100, 0_u32..5), 0..8),
    ) -> (Vec<i64>, Vec<Item>, Vec<Promotion>) {
        let items = lines.iter().map(|(at, quantity)| item(at.index(minor_units.len()), *quantity)).collect();
        let promotions = offers
            .into_iter()
            .map(|(at, percent, min)| {
                let target = if at < 6 { PromotionTarget::Sku(sku(at)) } else { PromotionTarget::Everything };
                promotion(target, percent, min)
            })
            .collect();
        (minor_units, items, promotions)
    }
}

proptest! {
    /// row: D14, I2
    #[test]
    fn lines_minus_discount_is_the_total((minor_units, items, offers) in carts()) {
        let quote = ask(items.clone(), &minor_units, &offers).expect("a quote");
        let sum: i64 = quote.lines.iter().map(|line| line.amount.minor_units()).sum();
        prop_assert_eq!(sum - quote.discount.minor_units(), quote.total.minor_units());
        prop_assert!(quote.discount.minor_units() <= sum);
        let asked: Vec<Item> = quote.lines.into_iter().map(|line| line.item).collect();
        prop_assert_eq!(asked, items);
    }

    /// row: D14
    #[test]
    fn another_promotion_never_makes_it_dearer((minor_units, items, offers) in carts()) {
        let with = ask(items.clone(), &minor_units, &offers).expect("a quote");
        let without = ask(items, &minor_units, &offers[..offers.len() / 2]).expect("a quote");
        prop_assert!(with.total.minor_units() <= without.total.minor_units());
    }

    /// row: D14
    #[test]
    fn without_promotions_another_piece_never_makes_it_cheaper((minor_units, mut items, _) in carts()) {
        let before = ask(items.clone(), &minor_units, &[]).expect("a quote");
        items[0].quantity += 1;
        let after = ask(items, &minor_units, &[]).expect("a quote");
        prop_assert!(after.total.minor_units() >= before.total.minor_units());
    }

    /// The order of lines and promotions changes no sum.
    /// row: D14
    #[test]
    fn order_does_not_matter((minor_units, items, offers) in carts()) {
        let there = ask(items.clone(), &minor_units, &offers).expect("a quote");
        let (items, offers): (Vec<_>, Vec<_>) = (items.into_iter().rev().collect(), offers.into_iter().rev().collect());
        let back = ask(items, &minor_units, &offers).expect("a quote");
        prop_assert_eq!((there.discount, there.total), (back.discount, back.total));
    }
}

//! Merging of items and the check of a quote.

use proptest::prelude::*;

use super::*;

fn item(sku: &str, quantity: i32) -> Item {
    Item {
        sku: sku.to_owned(),
        quantity,
    }
}

fn euro(minor_units: i64) -> Amount {
    Amount::parse("EUR", minor_units).unwrap()
}

fn line(sku: &str, quantity: i32, price: i64) -> Line {
    Line {
        sku: sku.to_owned(),
        quantity,
        unit_price: euro(price),
        amount: euro(price * i64::from(quantity)),
    }
}

fn quote(lines: Vec<Line>, discount: i64, total: i64) -> Quote {
    Quote {
        lines,
        discount: euro(discount),
        total: euro(total),
    }
}

/// row: X10
#[test]
fn a_draft_that_is_printed_hides_how_it_is_paid() {
    let draft = Draft {
        customer_id: CustomerId(uuid::Uuid::from_u128(1)),
        items: vec![item("lamp", 1)],
        payment_method: PaymentMethod::new("tok_visa_4242"),
        currency: None,
    };
    let printed = format!("{draft:?}");
    assert!(printed.contains("lamp"), "{printed}");
    assert!(!printed.contains("4242"), "{printed}");
}

#[test]
fn mentions_of_one_sku_are_one_line() {
    let merged = merge([item("lamp", 1), item("desk", 2), item("lamp", 3)]).unwrap();
    assert_eq!(merged, [item("lamp", 4), item("desk", 2)]);
}

#[test]
fn limits_hold_for_the_sum_of_mentions() {
    assert_eq!(merge([]), Err(BadDraft::Empty));
    assert_eq!(
        merge([item("lamp", 0)]),
        Err(BadDraft::Pieces("lamp".into()))
    );
    assert_eq!(
        merge([item("lamp", -1)]),
        Err(BadDraft::Pieces("lamp".into()))
    );
    assert_eq!(
        merge([item("lamp", 60), item("lamp", 41)]),
        Err(BadDraft::Pieces("lamp".into()))
    );
    let just = merge([item("lamp", 60), item("lamp", 40)]).unwrap();
    assert_eq!(just, [item("lamp", PIECES_MAX)]);
    let many = |count| (0..count).map(|n| item(&format!("sku-{n}"), 1));
    assert_eq!(merge(many(LINES_MAX)).unwrap().len(), LINES_MAX);
    assert_eq!(merge(many(LINES_MAX + 1)), Err(BadDraft::TooManyLines));
}

/// row: D5
#[test]
fn a_quote_that_does_not_add_up_is_refused() {
    let items = [item("lamp", 2)];
    assert_eq!(
        quote(vec![line("lamp", 2, 1999)], 98, 3900).check(&items),
        Ok(())
    );
    let wrong = [
        quote(vec![line("lamp", 2, 1999)], 0, 3997),
        quote(vec![line("lamp", 1, 1999)], 0, 1999),
        quote(vec![line("desk", 2, 1999)], 0, 3998),
        quote(vec![], 0, 0),
        quote(vec![line("lamp", 2, 1999)], 4000, 0),
        quote(vec![line("lamp", 2, 1999)], 0, 4000),
    ];
    for quote in wrong {
        assert!(quote.check(&items).is_err(), "{quote:?}");
    }
    assert_eq!(quote(vec![line("lamp", 2, 0)], 0, 0).check(&items), Ok(()));
    let dollars: [fn(&mut Quote) -> &mut Amount; 4] = [
        |quote| &mut quote.lines[0].unit_price,
        |quote| &mut quote.lines[0].amount,
        |quote| &mut quote.discount,
        |quote| &mut quote.total,
    ];
    for (number, amount) in dollars.into_iter().enumerate() {
        let mut mixed = quote(vec![line("lamp", 2, 1999)], 0, 3998);
        let amount = amount(&mut mixed);
        *amount = Amount::parse("USD", amount.minor_units()).unwrap();
        assert!(mixed.check(&items).is_err(), "dollars in {number}");
    }
}

/// row: D5
#[test]
fn a_quote_whose_lines_have_no_sum_is_refused() {
    let items = [item("lamp", 1), item("desk", 1)];
    let dear = quote(vec![line("lamp", 1, i64::MAX), line("desk", 1, 1)], 0, 0);
    let no_sum = "the lines have no sum in the currency of the total";
    assert_eq!(dear.check(&items), Err(BadQuote(no_sum)));
}

proptest! {
    /// Merging keeps every piece and names each SKU once.
    #[test]
    fn merging_loses_nothing(items in prop::collection::vec((0_u8..12, -1_i32..30), 0..40)) {
        let items: Vec<_> = items.iter().map(|(sku, n)| item(&sku.to_string(), *n)).collect();
        if let Ok(merged) = merge(items.clone()) {
            for one in &merged {
                let pieces: i32 = items.iter().filter(|i| i.sku == one.sku).map(|i| i.quantity).sum();
                prop_assert_eq!(one.quantity, pieces);
                prop_assert!((1..=PIECES_MAX).contains(&pieces));
                prop_assert_eq!(merged.iter().filter(|i| i.sku == one.sku).count(), 1);
            }
            prop_assert!(items.iter().all(|i| merged.iter().any(|m| m.sku == i.sku)));
        }
    }

    /// No arithmetic on a hostile quote panics.
    #[test]
    fn checking_never_panics(
        price in 0..=i64::MAX, amount in 0..=i64::MAX, discount in 0..=i64::MAX, total in 0..=i64::MAX,
        pieces in 1_i32..=100,
    ) {
        let mut hostile = quote(vec![line("lamp", pieces, 1)], discount, total);
        hostile.lines[0].unit_price = euro(price);
        hostile.lines[0].amount = euro(amount);
        let _ = hostile.check(&[item("lamp", pieces)]);
    }
}

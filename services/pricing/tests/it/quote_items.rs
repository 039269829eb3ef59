use proto::pricing::v1::{QuoteItem, QuoteItemsRequest, QuoteItemsResponse, QuoteLine};
use testkit::both_engines;
use tonic::{Code, Status};

use crate::app::{TestApp, customer, euro, item, order};

async fn quote(app: &TestApp, items: &[QuoteItem]) -> Result<QuoteItemsResponse, Status> {
    let request = QuoteItemsRequest {
        items: items.to_vec(),
        ..QuoteItemsRequest::default()
    };
    let answer = app.client().quote_items(order(request)).await;
    answer.map(tonic::Response::into_inner)
}

/// row: D14, D5
#[both_engines]
async fn a_quote_lists_the_lines_as_asked_and_sums_them(app: TestApp) {
    app.price("LAMP", 1999).await;
    app.price("CHAIR", 12_500).await;
    let lines = |sku: &str, quantity, unit_price, amount| QuoteLine {
        sku: sku.to_owned(),
        quantity,
        unit_price: Some(euro(unit_price)),
        amount: Some(euro(amount)),
    };
    let items = [item("LAMP", 3), item("CHAIR", 1), item("LAMP", 1)];
    assert_eq!(
        quote(&app, &items).await.unwrap(),
        QuoteItemsResponse {
            lines: vec![
                lines("LAMP", 3, 1999, 5997),
                lines("CHAIR", 1, 12_500, 12_500),
                lines("LAMP", 1, 1999, 1999),
            ],
            discount: Some(euro(0)),
            total: Some(euro(20_496)),
        }
    );
}

/// The best promotion of each line counts, rounded half up per line.
/// row: D14
#[both_engines]
async fn promotions_are_taken_off_to_the_minor_unit(app: TestApp) {
    app.price("LAMP", 1999).await;
    app.price("CHAIR", 12_505).await;
    app.price("MUG", 5).await;
    app.promotion("", 10, 0).await;
    app.promotion("LAMP", 25, 2).await;
    app.promotion("SOFA", 90, 0).await;
    let items = [item("LAMP", 2), item("CHAIR", 1), item("MUG", 1)];
    let answer = quote(&app, &items).await.unwrap();
    // 25 % of 3998 is 999.5, 10 % of 12505 is 1250.5, 10 % of 5 is 0.5: each half goes up.
    assert_eq!(answer.discount, Some(euro(1000 + 1251 + 1)));
    assert_eq!(answer.total, Some(euro(3998 + 12_505 + 5 - 2252)));
}

/// row: D14
#[both_engines]
async fn skus_without_a_price_fail_the_quote_by_name(app: TestApp) {
    app.price("LAMP", 1999).await;
    let items = [item("GHOST", 1), item("LAMP", 1), item("ALSO", 1)];
    let refused = quote(&app, &items).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let (domain, reason, metadata) = call::error::reason_of(&refused).unwrap();
    assert_eq!(
        (domain.as_str(), reason.as_str()),
        ("stoa.pricing", "NO_PRICE")
    );
    assert_eq!(
        (
            metadata["skus"].as_str(),
            metadata["currency_code"].as_str()
        ),
        ("ALSO,GHOST", "EUR")
    );
}

/// row: D14, C11
#[both_engines]
async fn skus_without_a_price_are_left_out_where_they_may_be(app: TestApp) {
    app.price("LAMP", 1999).await;
    let leave_out = async |items: &[QuoteItem]| {
        let request = QuoteItemsRequest {
            items: items.to_vec(),
            leave_out_unpriced: true,
            ..QuoteItemsRequest::default()
        };
        let answer = app.client().quote_items(order(request)).await;
        answer.unwrap().into_inner()
    };
    let some = leave_out(&[item("GHOST", 1), item("LAMP", 2), item("ALSO", 1)]).await;
    let skus: Vec<_> = some.lines.iter().map(|line| line.sku.as_str()).collect();
    assert_eq!((skus, some.total), (vec!["LAMP"], Some(euro(3998))));
    let none = leave_out(&[item("GHOST", 1)]).await;
    assert_eq!((none.lines, none.total), (vec![], Some(euro(0))));
}

/// row: D14
#[both_engines]
async fn a_sum_beyond_an_integer_is_refused_not_wrapped(app: TestApp) {
    app.price("YACHT", i64::MAX).await;
    let refused = quote(&app, &[item("YACHT", 2)]).await.unwrap_err();
    let (_, reason, _) = call::error::reason_of(&refused).unwrap();
    assert_eq!(
        (refused.code(), reason.as_str()),
        (Code::FailedPrecondition, "SUM_TOO_LARGE")
    );
    assert_eq!(
        quote(&app, &[item("YACHT", 1)]).await.unwrap().total,
        Some(euro(i64::MAX))
    );
}

/// A cart of 100 lines with every target full of promotions costs two statements, and is right.
/// row: D14, C11
#[both_engines]
async fn the_largest_cart_is_quoted(app: TestApp) {
    let items: Vec<QuoteItem> = (0..100).map(|n| item(&format!("SKU-{n}"), 100)).collect();
    for item in &items {
        app.price(&item.sku, 101).await;
    }
    for percent in 1..=16 {
        app.promotion("", percent, 0).await;
        app.promotion("SKU-7", percent + 16, 0).await;
    }
    let answer = quote(&app, &items).await.unwrap();
    assert_eq!(answer.discount, Some(euro(99 * 1616 + 3232)));
    assert_eq!(answer.total, Some(euro(100 * 10_100 - 99 * 1616 - 3232)));
}

/// row: D14, P18
#[both_engines]
async fn malformed_carts_are_refused(app: TestApp) {
    app.price("LAMP", 1999).await;
    for items in [
        vec![],
        vec![item("LAMP", 0)],
        vec![item("LAMP", -1)],
        vec![item("LAMP", 101)],
        vec![item("", 1)],
        vec![item("LAMP", 1); 101],
    ] {
        let refused = quote(&app, &items).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{items:?}");
    }
    let anonymous = tonic::Request::new(QuoteItemsRequest::default());
    let refused = app.client().quote_items(anonymous).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let request = QuoteItemsRequest {
        items: vec![item("LAMP", 1)],
        currency_code: "USD".to_owned(),
        ..QuoteItemsRequest::default()
    };
    let refused = app
        .client()
        .quote_items(customer(request))
        .await
        .unwrap_err();
    assert_eq!(
        refused.code(),
        Code::FailedPrecondition,
        "no price in that currency"
    );
}

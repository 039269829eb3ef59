use std::time::Duration;

use chrono::TimeDelta;
use proto::pricing::v1::{Promotion, QuoteItemsRequest, SetPromotionRequest};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, item, keyed, operator, promotion, start};

/// The total of one lamp at 10.00.
async fn total(app: &TestApp) -> i64 {
    let request = QuoteItemsRequest {
        items: vec![item("LAMP", 1)],
        ..QuoteItemsRequest::default()
    };
    let answer = app.client().quote_items(customer(request)).await;
    let quote = answer.expect("a quote").into_inner();
    quote.total.expect("a total").minor_units
}

/// row: D14
#[both_engines]
async fn a_promotion_runs_in_its_window_alone(app: TestApp) {
    app.price("LAMP", 1000).await;
    let hour = TimeDelta::hours(1);
    let request = SetPromotionRequest {
        starts_at: Some((start() + hour).into()),
        ends_at: Some((start() + hour * 2).into()),
        ..promotion("LAMP", 20, 0)
    };
    let answer = app
        .client()
        .set_promotion(operator(request.clone()))
        .await
        .unwrap();
    let expected = Promotion {
        id: request.id,
        sku: "LAMP".to_owned(),
        percent: 20,
        min_quantity: 0,
        starts_at: request.starts_at,
        ends_at: request.ends_at,
    };
    assert_eq!(answer.into_inner().promotion, Some(expected));
    for (at, expected) in [(0, 1000), (59, 1000), (60, 800), (119, 800), (120, 1000)] {
        app.time.set(start() + TimeDelta::minutes(at));
        assert_eq!(total(&app).await, expected, "after {at} minutes");
    }
}

/// row: D14
#[both_engines]
async fn setting_a_promotion_again_replaces_it(app: TestApp) {
    app.price("LAMP", 1000).await;
    let first = promotion("LAMP", 20, 0);
    let second = SetPromotionRequest {
        percent: 5,
        ..first.clone()
    };
    for (request, expected) in [(first, 800), (second, 950)] {
        app.client().set_promotion(operator(request)).await.unwrap();
        assert_eq!(total(&app).await, expected);
    }
    app.time.advance(Duration::from_secs(365 * 24 * 60 * 60));
    assert_eq!(total(&app).await, 950, "without an end it stays");
}

/// Only promotions that are not over count, and replacing one takes no further room.
/// row: D14
#[both_engines]
async fn a_target_has_at_most_16_promotions(app: TestApp) {
    let mut client = app.client();
    let last = SetPromotionRequest {
        ends_at: Some((start() + TimeDelta::hours(1)).into()),
        ..promotion("LAMP", 20, 0)
    };
    for _ in 0..15 {
        app.promotion("LAMP", 10, 0).await;
    }
    client.set_promotion(operator(last.clone())).await.unwrap();
    client.set_promotion(operator(last)).await.unwrap();
    let refused = client
        .set_promotion(operator(promotion("LAMP", 10, 0)))
        .await;
    let refused = refused.unwrap_err();
    let (_, reason, _) = call::error::reason_of(&refused).unwrap();
    assert_eq!(
        (refused.code(), reason.as_str()),
        (Code::FailedPrecondition, "TOO_MANY_PROMOTIONS")
    );
    app.promotion("CHAIR", 10, 0).await;
    app.time.advance(Duration::from_secs(60 * 60));
    app.promotion("LAMP", 10, 0).await;
}

/// row: X16, I8, S-16
#[both_engines]
async fn a_key_gives_the_same_answer(app: TestApp) {
    let mut client = app.client();
    let message = promotion("LAMP", 20, 0);
    let first = client
        .set_promotion(keyed("k", operator(message.clone())))
        .await
        .unwrap();
    app.time.advance(Duration::from_secs(60));
    let again = client
        .set_promotion(keyed("k", operator(message)))
        .await
        .unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(again.into_inner(), first.into_inner());
}

/// row: D14, P18
#[both_engines]
async fn what_cannot_be_a_promotion_is_refused(app: TestApp) {
    let mut client = app.client();
    let good = || promotion("LAMP", 20, 0);
    let window = |from: i64, to: i64| SetPromotionRequest {
        starts_at: Some((start() + TimeDelta::hours(from)).into()),
        ends_at: Some((start() + TimeDelta::hours(to)).into()),
        ..good()
    };
    let malformed = SetPromotionRequest {
        id: "7".to_owned(),
        ..good()
    };
    for (request, expected) in [
        (tonic::Request::new(good()), Code::Unauthenticated),
        (customer(good()), Code::PermissionDenied),
        (operator(malformed), Code::InvalidArgument),
        (operator(promotion("LAMP", 0, 0)), Code::InvalidArgument),
        (operator(promotion("LAMP", 101, 0)), Code::InvalidArgument),
        (operator(promotion("LAMP", 20, -1)), Code::InvalidArgument),
        (operator(window(1, 1)), Code::InvalidArgument),
        (operator(window(2, 1)), Code::InvalidArgument),
    ] {
        let refused = client.set_promotion(request).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{refused}");
    }
}

use futures::future::join_all;
use proto::event::v1::PriceChanged;
use proto::pricing::v1::SetPriceRequest;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, euro, keyed, money, operator, set_price};

fn told(version: i64, sku: &str, amount: i64, previous: Option<i64>) -> (i64, PriceChanged) {
    let fact = PriceChanged {
        sku: sku.to_owned(),
        amount: Some(euro(amount)),
        previous_amount: previous.map(euro),
    };
    (version, fact)
}

/// A change is told with the price before it; setting the same price again is no change.
/// row: D14, E10, I6
#[both_engines]
async fn each_change_is_told_once_with_the_price_before(app: TestApp) {
    for cents in [1999, 1999, 2499] {
        app.time.advance(std::time::Duration::from_secs(60));
        app.price("LAMP", cents).await;
    }
    assert_eq!(
        app.told("LAMP").await,
        [
            told(1, "LAMP", 1999, None),
            told(2, "LAMP", 2499, Some(1999))
        ]
    );
}

/// The facts of a SKU are numbered over all its currencies.
/// row: I6
#[both_engines]
async fn currencies_share_the_numbering_of_a_sku(app: TestApp) {
    for (currency, minor_units) in [("EUR", 100), ("JPY", 200), ("EUR", 101)] {
        let request = operator(set_price("LAMP", currency, minor_units));
        app.client().set_price(request).await.unwrap();
    }
    let told = app.told("LAMP").await;
    let versions: Vec<i64> = told.iter().map(|told| told.0).collect();
    assert_eq!(versions, [1, 2, 3]);
    assert_eq!(told[1].1.amount, Some(money("JPY", 200)));
    assert_eq!(told[1].1.previous_amount, None);
    assert_eq!(told[2].1.previous_amount, Some(euro(100)));
}

/// row: I6, E10
#[both_engines]
async fn rivals_leave_no_gap_and_lose_nothing(app: TestApp) {
    let rivals = (1..=20).map(|cents| {
        let mut client = app.client();
        async move {
            client
                .set_price(operator(set_price("LAMP", "EUR", cents)))
                .await
        }
    });
    let mut done = 0;
    for answer in join_all(rivals).await {
        match answer {
            Ok(_) => done += 1,
            Err(refused) => assert_eq!(refused.code(), Code::Aborted, "{refused}"),
        }
    }
    let told = app.told("LAMP").await;
    let versions: Vec<i64> = told.iter().map(|told| told.0).collect();
    assert_eq!(versions, (1..=done).collect::<Vec<i64>>());
    for pair in told.windows(2) {
        assert_eq!(pair[1].1.previous_amount, pair[0].1.amount);
    }
}

/// row: X16, I8, S-16
#[both_engines]
async fn a_key_gives_the_same_answer_and_one_effect(app: TestApp) {
    let mut client = app.client();
    let request = || keyed("k", operator(set_price("LAMP", "EUR", 1999)));
    let first = client.set_price(request()).await.unwrap();
    assert!(!first.metadata().contains_key("idempotency-replayed"));
    app.price("LAMP", 5).await;
    let again = client.set_price(request()).await.unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(again.into_inner(), first.into_inner());
    assert_eq!(
        app.told("LAMP").await.len(),
        2,
        "the repetition set nothing"
    );

    let other = keyed("k", operator(set_price("LAMP", "EUR", 2000)));
    let refused = client.set_price(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    app.time
        .advance(std::time::Duration::from_secs(24 * 60 * 60 + 1));
    let renewed = client.set_price(request()).await.unwrap();
    assert!(!renewed.metadata().contains_key("idempotency-replayed"));
    assert_eq!(
        app.told("LAMP").await.len(),
        3,
        "a key is kept for 24 hours"
    );
}

/// row: D14, P18, E10
#[both_engines]
async fn what_may_not_be_set_leaves_no_trace(app: TestApp) {
    let mut client = app.client();
    let request = || set_price("LAMP", "EUR", 1999);
    let no_amount = SetPriceRequest {
        sku: "LAMP".to_owned(),
        amount: None,
    };
    for (request, expected) in [
        (tonic::Request::new(request()), Code::Unauthenticated),
        (customer(request()), Code::PermissionDenied),
        (operator(no_amount), Code::InvalidArgument),
        (operator(set_price("LAMP", "EUR", 0)), Code::InvalidArgument),
        (
            operator(set_price("LAMP", "EUR", -1)),
            Code::InvalidArgument,
        ),
        (operator(set_price("LAMP", "", 1)), Code::InvalidArgument),
        (operator(set_price("LAMP", "€", 1)), Code::InvalidArgument),
        (operator(set_price("", "EUR", 1)), Code::InvalidArgument),
    ] {
        let refused = client.set_price(request).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{refused}");
    }
    assert_eq!(app.told("LAMP").await, []);
}

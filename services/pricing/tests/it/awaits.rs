//! Commands that die at each of their awaits.

use proto::pricing::v1::SetPromotionRequest;
use testkit::awaits::dies_at_each;
use testkit::both_engines;
use uuid::Uuid;

use crate::app::{TestApp, euro, keyed, operator, promotion, set_price};

/// row: R-01, D14, I6, I8
#[both_engines]
async fn a_price_is_set_once(app: TestApp) {
    let set = async |number: u128| {
        let cents = i64::try_from(number).unwrap();
        let request = operator(set_price("LAMP", "EUR", cents));
        let answer = app
            .client()
            .set_price(keyed(&format!("k{number}"), request))
            .await;
        answer.expect("it is set").into_inner()
    };
    let after = async |number, _| {
        let told = app.told("LAMP").await;
        let told = told
            .into_iter()
            .map(|(version, fact)| (version, fact.amount));
        let last = i64::try_from(number).unwrap();
        let expected = (1..=last).map(|cents| (cents, Some(euro(cents))));
        assert_eq!(told.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    };
    dies_at_each(async |_| {}, set, after).await;
}

/// row: R-01, D14, I8
#[both_engines]
async fn a_promotion_is_set_once(app: TestApp) {
    let set = async |number: u128| {
        let request = SetPromotionRequest {
            id: Uuid::from_u128(number).to_string(),
            ..promotion(&format!("LAMP-{number}"), 20, 0)
        };
        let request = keyed(&format!("k{number}"), operator(request));
        let answer = app.client().set_promotion(request).await;
        answer.expect("it is set").into_inner()
    };
    let after = async |number, _| {
        let kept = app.rows("select id from promotions").await;
        assert_eq!(kept.len() as u128, number);
    };
    dies_at_each(async |_| {}, set, after).await;
}

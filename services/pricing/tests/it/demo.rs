use clock::Clock;
use money::Amount;
use pricing::demo::{DemoPrice, seed};
use proto::pricing::v1::GetPriceRequest;
use testkit::both_engines;

use crate::app::{TestApp, customer, euro};

/// A start that was killed midway seeds again, and an operator's price is not taken back.
/// row: X2
#[both_engines]
async fn demo_prices_are_set_once(app: TestApp) {
    let prices: Vec<DemoPrice> = (1..=200)
        .map(|n| DemoPrice {
            sku: format!("SKU-{n}"),
            amount: Amount::parse("EUR", n * 100).unwrap(),
        })
        .collect();
    let clock = Clock::system();
    seed(&app.db, &clock, &prices[..100]).await.unwrap();
    app.price("SKU-7", 1).await;
    seed(&app.db, &clock, &prices).await.unwrap();
    for (sku, expected) in [("SKU-7", 1), ("SKU-8", 800), ("SKU-200", 20_000)] {
        let request = GetPriceRequest {
            sku: sku.to_owned(),
            currency_code: String::new(),
        };
        let answer = app.client().get_price(customer(request)).await.unwrap();
        assert_eq!(
            answer.into_inner().price.unwrap().amount,
            Some(euro(expected))
        );
    }
    assert_eq!(app.told("SKU-8").await.len(), 1);
    assert_eq!(app.told("SKU-7").await.len(), 2);
}

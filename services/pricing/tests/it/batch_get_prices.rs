use proto::pricing::v1::BatchGetPricesRequest;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, euro};

fn batch(skus: &[&str]) -> BatchGetPricesRequest {
    BatchGetPricesRequest {
        skus: skus.iter().map(|sku| (*sku).to_owned()).collect(),
        currency_code: String::new(),
    }
}

/// row: D14, C11
#[both_engines]
async fn many_prices_come_in_one_call_and_missing_ones_are_named(app: TestApp) {
    app.price("A", 100).await;
    app.price("B", 200).await;
    let request = customer(batch(&["B", "X", "A", "B", "X"]));
    let answer = app.client().batch_get_prices(request).await.unwrap();
    let mut answer = answer.into_inner();
    answer.prices.sort_by(|a, b| a.sku.cmp(&b.sku));
    let prices: Vec<_> = answer
        .prices
        .into_iter()
        .map(|p| (p.sku, p.amount))
        .collect();
    assert_eq!(
        prices,
        [
            ("A".to_owned(), Some(euro(100))),
            ("B".to_owned(), Some(euro(200)))
        ]
    );
    assert_eq!(answer.missing, ["X"]);
}

/// row: D14, P18
#[both_engines]
async fn a_batch_has_at_most_100_skus(app: TestApp) {
    let skus: Vec<String> = (0..101).map(|n| format!("SKU-{n}")).collect();
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    let mut client = app.client();
    let answer = client.batch_get_prices(customer(batch(&skus[..100]))).await;
    assert_eq!(answer.unwrap().into_inner().missing.len(), 100);
    let refused = client.batch_get_prices(customer(batch(&skus))).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    let nothing = client.batch_get_prices(customer(batch(&[]))).await;
    assert_eq!(nothing.unwrap().into_inner(), Default::default());
}

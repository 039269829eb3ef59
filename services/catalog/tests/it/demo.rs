use catalog::demo::{DemoProduct, seed};
use chrono::TimeDelta;
use clock::Clock;
use money::Amount;
use proto::pricing::v1::Money;
use testkit::both_engines;
use uuid::Uuid;

use crate::app::{TestApp, everything, start};

/// A start that was killed midway seeds again and changes nothing that is there.
/// row: X2, D16
#[both_engines]
async fn demo_products_are_made_once(app: TestApp) {
    let products: Vec<DemoProduct> = (0..200_u32)
        .map(|number| DemoProduct {
            id: Uuid::from_u128(u128::from(number) + 1),
            sku: format!("SKU-{number}"),
            name: format!("thing {number}"),
            description: String::new(),
            category: "Things".to_owned(),
            image_url: String::new(),
            display_price: Amount::parse("EUR", 100),
            created_at: start() + TimeDelta::seconds(number.into()),
        })
        .collect();
    let clock = Clock::system();
    for part in [&products[..100], &products, &products] {
        seed(&app.db, &clock, part).await.unwrap();
    }
    assert_eq!(app.outbox().await.len(), 200);
    let page = app.list(everything()).await.unwrap();
    assert_eq!(page.products[0].name, "thing 199");
    let price = Money {
        currency_code: "EUR".to_owned(),
        minor_units: 100,
    };
    assert_eq!(page.products[0].display_price, Some(price));
    assert_eq!(app.search("thing 7", "").await.len(), 1 + 10);
}

use proto::catalog::v1::{GetProductRequest, SetDisplayPriceRequest};
use proto::event::v1::product_changed::Change;
use proto::pricing::v1::Money;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, operator, service};

fn euro(cents: i64) -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        minor_units: cents,
    }
}

fn price(sku: &str, cents: i64, version: i64) -> SetDisplayPriceRequest {
    SetDisplayPriceRequest {
        sku: sku.to_owned(),
        price: Some(euro(cents)),
        version,
    }
}

async fn tell(app: &TestApp, message: SetDisplayPriceRequest) {
    let mut client = app.client();
    let told = client.set_display_price(service("pricing", message)).await;
    told.expect("pricing tells a price");
}

async fn shown(app: &TestApp, id: &str) -> Option<Money> {
    let request = tonic::Request::new(GetProductRequest { id: id.to_owned() });
    let found = app.client().get_product(request).await.expect("a product");
    found.into_inner().product.expect("it").display_price
}

/// row: D16, I6
#[both_engines]
async fn the_latest_price_is_shown_in_whatever_order_they_come(app: TestApp) {
    let lamp = app.product("LAMP", "Noon lamp", "Lighting").await;
    assert_eq!(lamp.display_price, None);
    for (cents, version) in [(100, 1), (300, 3), (200, 2), (300, 3)] {
        tell(&app, price("LAMP", cents, version)).await;
    }
    assert_eq!(shown(&app, &lamp.id).await, Some(euro(300)));
    let told = app.told(&lamp.id).await;
    let versions: Vec<_> = told.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, [1, 2, 3], "what changes nothing tells nobody");
    assert_eq!(told[2].1.change(), Change::Updated);
    tell(&app, price("LAMP", 300, 4)).await;
    assert_eq!(app.told(&lamp.id).await.len(), 3, "it costs what it did");
}

/// row: D16
#[both_engines]
async fn a_product_that_comes_later_shows_what_its_sku_costs(app: TestApp) {
    tell(&app, price("CHAIR", 4200, 7)).await;
    let chair = app.product("CHAIR", "Oak chair", "Seating").await;
    assert_eq!(chair.display_price, Some(euro(4200)));
    assert_eq!(shown(&app, &chair.id).await, Some(euro(4200)));
}

/// row: P3
#[both_engines]
async fn nobody_but_pricing_says_what_is_shown(app: TestApp) {
    let mut client = app.client();
    let gateway = service("gateway", price("LAMP", 1, 1));
    let person = operator(price("LAMP", 1, 1));
    for request in [gateway, person] {
        let refused = client.set_display_price(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
}

use call::{Caller, Role};
use proto::pricing::v1::GetPriceRequest;
use serde_json::json;
use testkit::app::person;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, euro, money, operator, order, set_price, start};

fn get(sku: &str, currency_code: &str) -> GetPriceRequest {
    GetPriceRequest {
        sku: sku.to_owned(),
        currency_code: currency_code.to_owned(),
    }
}

/// Prices in two currencies are two prices; no currency means the shop's.
/// row: D14, E13
#[both_engines]
async fn a_price_is_read_in_its_currency(app: TestApp) {
    let mut client = app.client();
    app.price("LAMP", 1999).await;
    let yen = operator(set_price("LAMP", "JPY", 3200));
    client.set_price(yen).await.unwrap();
    for (currency, expected) in [
        ("", euro(1999)),
        ("EUR", euro(1999)),
        ("JPY", money("JPY", 3200)),
    ] {
        let answer = client.get_price(customer(get("LAMP", currency))).await;
        let price = answer.unwrap().into_inner().price.unwrap();
        assert_eq!(price.amount, Some(expected));
        assert_eq!(
            (price.sku.as_str(), price.updated_at),
            ("LAMP", Some(start().into()))
        );
    }
    let service = client.get_price(order(get("LAMP", ""))).await;
    assert!(service.is_ok(), "services ask too");
}

/// row: D14, C9
#[both_engines]
async fn a_sku_without_a_price_in_the_currency_is_not_found(app: TestApp) {
    app.price("LAMP", 1999).await;
    for request in [get("LAMP", "USD"), get("NOTHING", "")] {
        let refused = app.client().get_price(customer(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{refused}");
    }
}

/// row: D14, P18
#[both_engines]
async fn strangers_and_malformed_requests_are_refused(app: TestApp) {
    let stranger = tonic::Request::new(get("LAMP", ""));
    let refused = app.client().get_price(stranger).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    for request in [get("", ""), get("LAMP", "eur"), get(&"x".repeat(65), "")] {
        let refused = app.client().get_price(customer(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
}

/// row: D14, P1
#[both_engines]
async fn money_is_a_code_and_a_string_of_minor_units_in_json(app: TestApp) {
    app.price("LAMP", 1999).await;
    let path = "/stoa.pricing.v1.PricingService/GetPrice";
    let anybody = Caller::User(person(7, &[Role::Customer]));
    let (status, body) = app.json(anybody, path, json!({"sku": "LAMP"})).await;
    assert_eq!(status, 200);
    let expected = json!({"currencyCode": "EUR", "minorUnits": "1999"});
    assert_eq!(body["price"]["amount"], expected, "{body}");
}

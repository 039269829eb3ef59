//! What lists say that things cost.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::fleet::Fleet;
use crate::shop::{Customer, Door};

const SET_PRICE: &str = "pricing.v1.PricingService/SetPrice";
const LIST: &str = "catalog.v1.CatalogService/ListProducts";
const TOLD_WITHIN: Duration = Duration::from_secs(20);

async fn set_price(operator: &Customer, sku: &str, cents: &str) {
    let amount = json!({"currencyCode": "EUR", "minorUnits": cents});
    let message = json!({"sku": sku, "amount": amount});
    let answer = operator.door.call(SET_PRICE, message).await;
    assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
}

async fn product(door: &Door, name: &str) -> Value {
    let answer = door.call(LIST, json!({"query": name})).await;
    assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
    answer.json()["products"][0].clone()
}

async fn is_shown(door: &Door, name: &str, cents: &str) {
    let until = Instant::now() + TOLD_WITHIN;
    loop {
        let product = product(door, name).await;
        if product["displayPrice"] == json!({"currencyCode": "EUR", "minorUnits": cents}) {
            return;
        }
        assert!(Instant::now() < until, "{product} does not show {cents}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The catalog is away while prices change, and pricing dies before it could tell anybody.
///
/// row: D16
#[tokio::test]
async fn a_changed_price_is_shown_whoever_died_meanwhile() {
    let mut fleet = Fleet::start().await;
    let operator = fleet
        .gateway
        .sign_in("operator@stoa.test", "stoa-demo")
        .await;
    let lamp = product(&fleet.gateway, "arc").await;
    let (sku, name) = (
        lamp["sku"].as_str().unwrap(),
        lamp["name"].as_str().unwrap(),
    );
    set_price(&operator, sku, "4711").await;
    is_shown(&fleet.gateway, name, "4711").await;

    fleet.processes.get_mut("catalog").unwrap().kill();
    set_price(&operator, sku, "4712").await;
    set_price(&operator, "NEW-1", "99").await;
    fleet.processes.get_mut("pricing").unwrap().kill();
    for service in ["pricing", "catalog"] {
        fleet.launch(service);
        fleet.wait_ready(service).await;
    }
    is_shown(&fleet.gateway, name, "4712").await;

    let made = json!({"sku": "NEW-1", "name": "Zanzibar stool", "category": "Seating"});
    let rpc = "catalog.v1.CatalogService/CreateProduct";
    let made = operator.door.call(rpc, made).await;
    assert_eq!(made.code(), "ok", "{:?}", made.bytes);
    is_shown(&fleet.gateway, "Zanzibar", "99").await;
}

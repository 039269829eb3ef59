//! Commands that die at each of their awaits.

use std::cell::RefCell;

use proto::catalog::v1::{
    DeleteProductRequest, Product, SetDisplayPriceRequest, UpdateProductRequest,
};
use proto::pricing::v1::Money;
use testkit::awaits::dies_at_each;
use testkit::both_engines;

use crate::app::{TestApp, create, keyed, operator, service};

fn sku(number: u128) -> String {
    format!("LAMP-{number}")
}

fn key(number: u128) -> String {
    format!("k{number}")
}

/// row: R-01, D16, I6, I8
#[both_engines]
async fn a_product_is_made_once(app: TestApp) {
    let make = async |number| {
        let request = operator(create(&sku(number), "lamp", "", ""));
        let answer = app
            .client()
            .create_product(keyed(&key(number), request))
            .await;
        answer.expect("it is made").into_inner()
    };
    let after = async |number, _| {
        assert_eq!(app.outbox().await.len() as u128, number);
        let kept = app.rows("select id from products").await;
        assert_eq!(kept.len() as u128, number);
    };
    dies_at_each(async |_| {}, make, after).await;
}

/// A product of each number, and after each command how many facts there are of it.
async fn of_products<A: std::fmt::Debug + PartialEq>(
    app: &TestApp,
    ask: impl AsyncFn(u128, &Product) -> A,
) {
    let made = RefCell::new(Product::default());
    let make = async |number| {
        let product = app.product(&sku(number), "lamp", "").await;
        made.replace(product);
    };
    let ask = async |number| {
        let product = made.borrow().clone();
        ask(number, &product).await
    };
    let after = async |_, _| {
        let id = made.borrow().id.clone();
        let told = app.told(&id).await;
        let versions: Vec<_> = told.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, [1, 2]);
    };
    dies_at_each(make, ask, after).await;
}

/// row: R-01, D16, I6, I8
#[both_engines]
async fn a_product_is_changed_once(app: TestApp) {
    let change = async |number, product: &Product| {
        let request = UpdateProductRequest {
            id: product.id.clone(),
            name: Some("desk lamp".to_owned()),
            ..UpdateProductRequest::default()
        };
        let request = keyed(&key(number), operator(request));
        let answer = app.client().update_product(request).await;
        answer.expect("it is changed").into_inner()
    };
    of_products(&app, change).await;
}

/// row: R-01, D16, I6, I8
#[both_engines]
async fn a_product_is_deleted_once(app: TestApp) {
    let delete = async |number, product: &Product| {
        let request = DeleteProductRequest {
            id: product.id.clone(),
        };
        let request = keyed(&key(number), operator(request));
        let answer = app.client().delete_product(request).await;
        answer.expect("it is deleted").into_inner()
    };
    of_products(&app, delete).await;
}

/// row: R-01, D16, I6
#[both_engines]
async fn a_price_is_shown_once(app: TestApp) {
    let show = async |_, product: &Product| {
        let price = Money {
            currency_code: "EUR".to_owned(),
            minor_units: 1999,
        };
        let request = SetDisplayPriceRequest {
            sku: product.sku.clone(),
            price: Some(price),
            version: 1,
        };
        let request = service("pricing", request);
        let answer = app.client().set_display_price(request).await;
        answer.expect("it is shown").into_inner()
    };
    of_products(&app, show).await;
}

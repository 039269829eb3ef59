//! ListProducts with a query.

use catalog::demo::{DemoProduct, seed};
use clock::Clock;
use futures::future::join_all;
use proto::catalog::v1::{ListProductsRequest, UpdateProductRequest};
use testkit::{Engine, both_engines};
use uuid::Uuid;

use crate::app::{TestApp, create, everything, operator, start};

async fn describe(app: &TestApp, sku: &str, name: &str, category: &str, description: &str) {
    let request = operator(create(sku, name, category, description));
    app.client()
        .create_product(request)
        .await
        .expect("a product");
}

/// Name, category, SKU, description: a better field outranks all lesser ones together.
/// row: D16
#[both_engines]
async fn finds_are_ranked_by_the_field_that_matches(app: TestApp) {
    describe(
        &app,
        "A-1",
        "in the text",
        "Things",
        "goes well with a lamp",
    )
    .await;
    describe(&app, "LAMP-1", "in the sku", "Things", "").await;
    describe(&app, "A-2", "in the category", "Lamp", "").await;
    describe(&app, "A-3", "in name: lampshade", "Things", "").await;
    describe(&app, "A-4", "in name: lamp", "Things", "").await;
    describe(&app, "LAMP-2", "in all but name", "Lamp", "a lamp").await;
    describe(&app, "A-5", "nowhere", "Things", "clamp").await;
    assert_eq!(
        app.search("lamp", "").await,
        [
            "in name: lamp",
            "in name: lampshade",
            "in all but name",
            "in the category",
            "in the sku",
            "in the text",
        ]
    );
    assert_eq!(
        app.search("lamp", "Lamp").await,
        ["in all but name", "in the category"]
    );
}

/// row: D16
#[both_engines]
async fn every_word_must_be_found_by_its_beginning(app: TestApp) {
    app.shelf("Lighting", &["Noon desk lamp", "Noon table lamp"])
        .await;
    app.shelf("Seating", &["Noon chair"]).await;
    for (query, expected) in [
        ("noon lamp desk", &["Noon desk lamp"][..]),
        ("de la", &["Noon desk lamp"]),
        ("noon chair lamp", &[]),
        ("esk", &[]),
        ("?!", &[]),
        ("%", &[]),
        ("'; drop table products; --", &[]),
    ] {
        assert_eq!(app.search(query, "").await, *expected, "{query:?}");
    }
    assert_eq!(
        app.search("lamps for the desk", "").await,
        ["Noon desk lamp"]
    );
}

/// row: D16
#[both_engines]
async fn spelling_variants_meet(app: TestApp) {
    app.shelf(
        "Küche",
        &[
            "Café crème bowl",
            "Straßen-Tasse",
            "ランプ",
            "Children's mug",
        ],
    )
    .await;
    for (query, expected) in [
        ("cafe creme", "Café crème bowl"),
        ("CAFÉ", "Café crème bowl"),
        ("strassen", "Straßen-Tasse"),
        ("ランプ", "ランプ"),
        ("childrens", "Children's mug"),
        ("bowls", "Café crème bowl"),
    ] {
        assert_eq!(app.search(query, "").await, [expected], "{query:?}");
    }
    assert_eq!(app.search("kuche", "").await.len(), 4, "by category");
}

/// The same products rank alike on both engines, ties included, and over page borders.
/// row: D16, E13
#[tokio::test]
async fn both_engines_find_the_same_in_the_same_order() {
    let sqlite: TestApp = testkit::on(Engine::Sqlite).await;
    let postgres: TestApp = testkit::on(Engine::Postgres).await;
    let words = [
        "desk", "Lamp", "lämp", "lamps", "Zebra", "ÄTHER", "oak", "oakum", "灯", "9",
    ];
    let product = |number: usize| DemoProduct {
        id: Uuid::new_v4(),
        sku: format!("SKU-{number:02}"),
        name: format!("{} {}", words[number % 10], words[(number / 7) % 10]),
        description: words[(number / 2) % 10].to_owned(),
        category: words[(number / 3) % 10].to_owned(),
        image_url: String::new(),
        display_price: None,
        created_at: start(),
    };
    let products: Vec<DemoProduct> = (0..60).map(product).collect();
    for app in [&sqlite, &postgres] {
        let seeded = seed(&app.db, &Clock::system(), &products).await;
        seeded.expect("products are seeded");
    }
    let request = |query: &str| ListProductsRequest {
        query: query.to_owned(),
        page_size: 100,
        ..everything()
    };
    for query in [
        "",
        "l",
        "lamp",
        "oak",
        "z a",
        "灯",
        "9",
        "sku",
        "desk lamp",
        "S 5",
    ] {
        let one = sqlite.list(request(query)).await.expect("a page").products;
        let other = postgres
            .list(request(query))
            .await
            .expect("a page")
            .products;
        assert!(!one.is_empty(), "{query:?}");
        assert_eq!(one, other, "{query:?}");
        let whole: Vec<String> = one.into_iter().map(|product| product.name).collect();
        for app in [&sqlite, &postgres] {
            assert_eq!(
                app.search(query, "").await,
                whole,
                "{query:?} by pages of two"
            );
        }
    }
}

/// row: D16
#[both_engines]
async fn a_changed_product_is_found_by_its_new_words_alone(app: TestApp) {
    let lamp = app.product("LAMP", "Noon lamp", "Lighting").await;
    let request = UpdateProductRequest {
        id: lamp.id.clone(),
        name: Some("Dusk lantern".to_owned()),
        ..UpdateProductRequest::default()
    };
    app.client()
        .update_product(operator(request))
        .await
        .unwrap();
    assert_eq!(app.search("noon", "").await, [""; 0]);
    assert_eq!(app.search("dusk", "").await, ["Dusk lantern"]);
}

/// row: D16
#[both_engines]
async fn many_search_at_once(app: TestApp) {
    app.shelf("Lighting", &["lamp 1", "lamp 2", "lamp 3"]).await;
    let searches = (0..50).map(|_| app.search("lamp", ""));
    for found in join_all(searches).await {
        assert_eq!(found.len(), 3);
    }
}

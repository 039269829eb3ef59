use std::time::Duration;

use proto::catalog::v1::{Category, CreateProductRequest, ListProductsRequest};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, create, everything, operator};

async fn names(app: &TestApp, request: ListProductsRequest) -> (Vec<String>, String) {
    let page = app.list(request).await.expect("a page");
    let names = page.products.into_iter().map(|product| product.name);
    (names.collect(), page.next_page_token)
}

/// row: D16
#[both_engines]
async fn strangers_see_the_newest_first(app: TestApp) {
    app.shelf("Lighting", &["old lamp", "new lamp"]).await;
    let (found, next) = names(&app, everything()).await;
    assert_eq!(found, ["new lamp", "old lamp"]);
    assert_eq!(next, "");
}

/// Pages continue where they ended while products come and go; ties in age go by id.
/// row: D16
#[both_engines]
async fn pages_are_stable_while_products_are_added(app: TestApp) {
    let mut all = Vec::new();
    for number in 0..5 {
        let name = format!("twin {number}"); // all of the same instant
        all.push(app.product(&format!("TWIN-{number}"), &name, "Twins").await);
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let expected: Vec<String> = all.into_iter().map(|product| product.name).collect();
    let page = |page_token| ListProductsRequest {
        page_size: 2,
        page_token,
        ..everything()
    };
    let (mut found, next) = names(&app, page(String::new())).await;
    app.shelf("Later", &["later"]).await;
    let (more, next) = names(&app, page(next)).await;
    found.extend(more);
    let (more, next) = names(&app, page(next)).await;
    found.extend(more);
    assert_eq!(found, expected);
    assert_eq!(next, "");
}

/// row: D16
#[both_engines]
async fn a_category_is_kept_on_every_page(app: TestApp) {
    app.shelf("Lighting", &["lamp 1", "lamp 2", "lamp 3"]).await;
    app.shelf("Seating", &["chair"]).await;
    assert_eq!(
        app.search("", "Lighting").await,
        ["lamp 3", "lamp 2", "lamp 1"]
    );
    assert_eq!(app.search("", "Nothing").await, [""; 0]);
}

/// row: D16, P18
#[both_engines]
async fn sizes_and_tokens_that_cannot_be_are_refused(app: TestApp) {
    app.shelf("Lighting", &["lamp 1", "lamp 2", "lamp 3"]).await;
    let one = |page_size| ListProductsRequest {
        page_size,
        ..everything()
    };
    let token = app.list(one(1)).await.unwrap().next_page_token;
    let with = |request: ListProductsRequest, page_token: &str| ListProductsRequest {
        page_token: page_token.to_owned(),
        ..request
    };
    let query = ListProductsRequest {
        query: "lamp".to_owned(),
        ..everything()
    };
    let category = ListProductsRequest {
        category: "Lighting".to_owned(),
        ..everything()
    };
    let mut forged = token.clone().into_bytes();
    forged[10] = if forged[10] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for request in [
        one(-1),
        with(query, &token),
        with(category, &token),
        with(everything(), &forged),
        with(everything(), "nonsense"),
    ] {
        let refused = app.list(request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}");
    }
    let rest = app.list(with(everything(), &token)).await.unwrap();
    assert_eq!(rest.products.len(), 2, "the size may change between pages");
}

/// row: D16
#[both_engines]
async fn a_page_has_20_products_unless_asked_and_never_more_than_100(app: TestApp) {
    let names: Vec<String> = (0..101).map(|n| format!("thing {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    app.shelf("Things", &names).await;
    for (page_size, expected) in [(0, 20), (7, 7), (100, 100), (1000, 100)] {
        for query in ["", "thing"] {
            let request = ListProductsRequest {
                query: query.to_owned(),
                page_size,
                ..everything()
            };
            assert_eq!(app.list(request).await.unwrap().products.len(), expected);
        }
    }
}

/// Every category is named once, in the same order on both engines, whatever the page shows.
/// row: D16, E13
#[both_engines]
async fn a_list_names_the_categories_to_narrow_it_by(app: TestApp) {
    for (number, category) in ["vases", "Bags", "", "Éclairage", "Bags", "Vases"]
        .into_iter()
        .enumerate()
    {
        app.product(&format!("SKU-{number}"), "thing", category)
            .await;
    }
    let one = |query: &str| ListProductsRequest {
        query: query.to_owned(),
        category: "Bags".to_owned(),
        page_size: 1,
        ..everything()
    };
    for query in ["", "thing", "nothing"] {
        let page = app.list(one(query)).await.expect("a page");
        assert_eq!(
            page.categories,
            ["Bags", "Vases", "vases", "Éclairage"],
            "{query:?}"
        );
    }
}

/// A shelf shows the newest picture that one of its products has.
/// row: D16, E13
#[both_engines]
async fn a_list_shows_a_picture_of_each_category(app: TestApp) {
    let pictures = [
        ("Bags", "/old.svg"),
        ("Bags", "/new.svg"),
        ("Bags", ""),
        ("Vases", "/vase.svg"),
        ("Bare", ""),
    ];
    for (number, (category, image_url)) in pictures.into_iter().enumerate() {
        app.time.advance(Duration::from_secs(1));
        let product = CreateProductRequest {
            image_url: image_url.to_owned(),
            ..create(&format!("SKU-{number}"), "thing", category, "")
        };
        let created = app.client().create_product(operator(product)).await;
        created.expect("an operator creates a product");
    }
    let page = app.list(everything()).await.expect("a page");
    let shelf = |(name, image_url): (&str, &str)| Category {
        name: name.to_owned(),
        image_url: image_url.to_owned(),
    };
    let expected = [("Bags", "/new.svg"), ("Bare", ""), ("Vases", "/vase.svg")];
    assert_eq!(page.shelves, expected.map(shelf));
    assert_eq!(page.categories, ["Bags", "Bare", "Vases"]);
}

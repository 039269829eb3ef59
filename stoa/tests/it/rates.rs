//! How often a client may ask, of the program as it ships.

use serde_json::json;

use crate::fleet::Fleet;
use crate::shop::{Door, Shop, stoa};

const LIST: &str = "catalog.v1.CatalogService/ListProducts";

async fn list(door: &Door) -> crate::shop::Answer {
    door.call(LIST, json!({"pageSize": 1})).await
}

/// row: G6
#[tokio::test]
async fn the_hundred_and_first_request_is_refused() {
    let shop = Shop::up_with(&[("STOA_RATE_LIMIT", "100/24h".to_owned())]).await;
    for number in 1..=100 {
        assert_eq!(list(&shop.door).await.code(), "ok", "{number}");
    }
    let refused = list(&shop.door).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.code(), "resource_exhausted");
    let header = |name: &str| refused.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-ratelimit-limit"), "100");
    assert_eq!(header("x-ratelimit-remaining"), "0");
    let wait: u64 = header("retry-after").parse().unwrap();
    assert!(
        (1..=864).contains(&wait),
        "{wait}: one of a hundred in a day"
    );
    assert_eq!(shop.door.get("/healthz").await.status, 200);
    let page = shop.door.get("/shop/search").await;
    assert_eq!(page.status, 429, "pages are of the same budget");
    assert!(
        page.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let picture = shop.door.get("/assets/products/MUG-STR-01.svg").await;
    assert_eq!(picture.status, 200, "files are of none");
    let admin = Door::new(shop.admin.clone());
    for path in ["/metrics", "/readyz"] {
        assert_eq!(
            admin.get(path).await.status,
            200,
            "{path}: who watches is not counted"
        );
    }
}

/// A visitor who looks at thirty products as fast as he can click, signs up, and buys three times: with the limits
/// that ship, in one process and through the gateway, whose calls all come from one address.
///
/// row: G6
#[tokio::test]
async fn a_quick_customer_meets_no_limit() {
    let shop = Shop::up_with(&[("STOA_RATE_LIMIT", "usual".to_owned())]).await;
    quick(&shop.door).await;
    let fleet = Fleet::start_with(&[("STOA_RATE_LIMIT", "usual")]).await;
    quick(&fleet.gateway).await;
}

async fn quick(door: &Door) {
    for _ in 0..30 {
        assert_eq!(door.get("/shop/products/MUG-STR-01").await.status, 200);
        assert_eq!(list(door).await.code(), "ok");
        // Thirty in one second are the hundred of a burst, all parts of a page counted.
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    let customer = door.sign_up("quick@stoa.test").await;
    for _ in 0..3 {
        let bought = customer.place("MUG-STR-01", 1, "tok_ok").await;
        assert_eq!(bought.code(), "ok", "{bought:?}");
    }
}

/// row: G6, X20
#[tokio::test]
async fn a_limit_that_is_none_is_refused_and_so_is_none_in_production() {
    for (profile, limit) in [("dev", "100"), ("dev", "0/s"), ("production", "off")] {
        let variables = [("STOA_PROFILE", profile), ("STOA_RATE_LIMIT", limit)];
        let (code, printed) = stoa(&["up"], &variables).await;
        assert_eq!(code, 78, "{profile} {limit:?}: {printed}");
        assert!(printed.contains("rate_limit"), "{printed}");
    }
}

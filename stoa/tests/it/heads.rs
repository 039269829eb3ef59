//! What a browser, a crawler or a chat gets for the address of a product, before any script runs.
//! The web client must have been built: `just web`.

use futures::future::join_all;
use http::{HeaderMap, Method, StatusCode};

use crate::fleet::Fleet;
use crate::shop::{Answer, Shop};

const PRODUCT: &str = "/shop/products/MUG-STR-01";
const TITLE: &str = "<title>Everyday mug · Stoa</title>";
const UNKNOWN: &str = "/shop/products/NO-SUCH-01";

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.to_vec()).expect("a page is text")
}

/// What must be the same of GET and HEAD, and of each try.
fn guards(headers: &HeaderMap) -> Vec<Option<String>> {
    let names = "content-type content-encoding content-length cache-control vary etag \
        content-security-policy permissions-policy";
    let value = |name| Some(headers.get(name)?.to_str().expect("ASCII").to_owned());
    names.split(' ').map(value).collect()
}

/// row: G1, S-17
#[tokio::test]
async fn the_page_of_a_product_says_what_it_shows() {
    let shop = Shop::up().await;
    let plain = shop.door.get("/shop/search").await;
    assert!(
        text(&plain).contains("<title>Stoa</title>"),
        "build it: `just web`"
    );
    for path in [PRODUCT, "/shop/products/MUG-STR-01/"] {
        for encodings in ["identity", "gzip, br"] {
            let accept = [("accept-encoding", encodings)];
            let page = shop.door.fetch(Method::GET, path, &accept).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.headers.get("content-encoding").is_none());
            let html = text(&page);
            assert!(html.contains(TITLE), "{html}");
            assert!(
                html.contains("content=\"/assets/products/MUG-STR-01.svg\""),
                "{html}"
            );
            let head = shop.door.fetch(Method::HEAD, path, &accept).await;
            assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0));
            assert_eq!(guards(&head.headers), guards(&page.headers));

            let tag = page.headers["etag"].to_str().expect("a tag is ASCII");
            assert_ne!(tag, plain.headers["etag"], "it is another page");
            let known = shop
                .door
                .fetch(Method::GET, path, &[("if-none-match", tag)])
                .await;
            assert_eq!(
                (known.status, known.bytes.len()),
                (StatusCode::NOT_MODIFIED, 0)
            );
            assert_eq!(known.headers["etag"], tag);
        }
    }
}

/// row: G1
#[tokio::test]
async fn what_is_not_sold_is_not_found_and_shows_the_shop_all_the_same() {
    let mut shop = Shop::up().await;
    let long = format!("/shop/products/{}", "x".repeat(65));
    let malformed = [
        "/shop/products/",
        "/shop/products/a%20b",
        "/shop/products/a/b",
        &long,
    ];
    for path in malformed.into_iter().chain([UNKNOWN]) {
        for method in [Method::GET, Method::HEAD] {
            let any = [("if-none-match", "*"), ("accept-encoding", "br")];
            let page = shop.door.fetch(method, path, &any).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            assert!(page.headers.get("etag").is_none(), "{path}");
            assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
            assert_eq!(page.headers["cache-control"], "no-cache");
        }
        let page = shop.door.get(path).await;
        assert!(text(&page).contains("<div id=\"root\">"), "{path}");
    }
    // A crowd that comes for one unknown product makes one call, and one for another no more.
    join_all((0..50).map(|_| shop.door.get("/shop/products/NO-SUCH-02"))).await;
    let log = shop.log().await;
    let asked = log.lines().filter(|line| line.contains("BatchGetProducts"));
    assert_eq!(asked.count(), 2, "{log}");
}

/// row: S-17
#[tokio::test]
async fn a_product_cannot_write_into_its_page() {
    let shop = Shop::up().await;
    let operator = shop.door.sign_in("operator@stoa.test", "stoa-demo").await;
    let evil = "\"'></title><script>alert(1)</script><!--";
    let product = serde_json::json!({
        "sku": "EVIL", "name": evil, "description": evil, "imageUrl": evil,
    });
    let made = operator
        .door
        .call("catalog.v1.CatalogService/CreateProduct", product)
        .await;
    assert_eq!(made.code(), "ok", "{:?}", made.bytes);
    let page = text(&shop.door.get("/shop/products/EVIL").await);
    assert!(
        page.contains("&lt;/title&gt;&lt;script&gt;alert(1)"),
        "{page}"
    );
    assert!(!page.contains("<script>alert"), "{page}");
}

/// The page does not wait for a catalog that is slow, nor fail without one, nor does it hold
/// against a product that nobody could be asked about it.
///
/// row: G1, X5
#[tokio::test]
async fn a_page_goes_without_its_head_when_the_catalog_is_away() {
    let mut fleet = Fleet::start().await;
    let gateway = fleet.gateway.clone();
    let bare = text(&gateway.get("/shop/search").await);
    let catalog = fleet.processes.get_mut("catalog").expect("it runs");
    catalog.pause();
    for path in [PRODUCT, UNKNOWN] {
        let page = gateway.get(path).await;
        assert_eq!((page.status, text(&page)), (StatusCode::OK, bare.clone()));
    }
    catalog.resume();
    catalog.kill();
    for path in [PRODUCT, UNKNOWN] {
        let page = gateway.get(path).await;
        assert_eq!((page.status, text(&page)), (StatusCode::OK, bare.clone()));
    }
    fleet.launch("catalog");
    fleet.wait_ready("catalog").await;
    assert!(text(&gateway.get(PRODUCT).await).contains(TITLE));
    assert_eq!(gateway.get(UNKNOWN).await.status, StatusCode::NOT_FOUND);
}

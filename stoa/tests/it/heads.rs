//! What a browser, a crawler or a chat gets for the address of a product, before any script runs.
//! The web client must have been built: `just web`.

use std::time::Duration;

use futures::future::join_all;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use crate::fleet::Fleet;
use crate::shop::{Answer, Door, Shop};

const PRODUCT: &str = "/shop/products/MUG-STR-01";
const TITLE: &str = "<title>Everyday mug · Stoa</title>";
const UNKNOWN: &str = "/shop/products/NO-SUCH-01";
/// Much sooner than the gateway's calls to the catalog end, much later than pages are patient.
const SOON: Duration = Duration::from_secs(3);
/// Between two looks at what comes by itself.
const BETWEEN: Duration = Duration::from_millis(50);

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.to_vec()).expect("a page is text")
}

/// What a browser may do with what it got, in whole.
const GUARDS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; \
         trusted-types default; report-uri /csp-reports",
    ),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
         fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), \
         payment=(), picture-in-picture=(), publickey-credentials-get=(), \
         screen-wake-lock=(), usb=(), xr-spatial-tracking=()",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

fn assert_guarded(answer: &Answer, what: &str) {
    for (name, value) in GUARDS {
        let given: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(given, [value], "{name} of {what}");
    }
}

/// Every header but those that each answer has of its own.
fn described(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for own in ["date", "x-correlation-id"] {
        assert!(headers.remove(own).is_some(), "{own}");
    }
    headers
}

/// The address of the client's first script, which has a hash in its name.
async fn script(door: &Door) -> String {
    let page = text(&door.get("/").await);
    let begins = page.find("/assets/first-").expect("build it: `just web`");
    let address = page[begins..].split('"').next().expect("it ends");
    assert!(address.ends_with(".js"), "{address}");
    address.to_owned()
}

/// row: G1, S-17
#[tokio::test]
async fn whatever_a_browser_gets_is_under_the_strictest_policies() {
    let shop = Shop::up().await;
    let script = script(&shop.door).await;
    for (path, status) in [
        ("/", StatusCode::OK),
        ("/shop/search", StatusCode::OK),
        ("/shop/products/", StatusCode::OK),
        ("/shop/products//", StatusCode::OK),
        (PRODUCT, StatusCode::OK),
        (UNKNOWN, StatusCode::NOT_FOUND),
        (&script, StatusCode::OK),
        ("/assets/products/MUG-STR-01.svg", StatusCode::OK),
        ("/assets/nowhere.js", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = shop.door.fetch(method.clone(), path, &[]).await;
            assert_eq!(answer.status, status, "{path}");
            assert_guarded(&answer, &format!("{method} {path}"));
        }
    }
    let any = [("if-none-match", "*")];
    let kept = shop.door.fetch(Method::GET, &script, &any).await;
    assert_eq!(kept.status, StatusCode::NOT_MODIFIED);
    assert_guarded(&kept, "what is known");
    let person = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for path in ["/cart", "/SHOP/CART", "//shop/cart", "/%F0%9F%98%80"] {
        let page = shop.door.fetch(Method::GET, path, &person).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(text(&page).starts_with("<!doctype html>"), "{path}");
        assert_guarded(&page, path);
    }
    let posted = shop.door.fetch(Method::POST, "/", &[]).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_guarded(&posted, "what cannot be done");
    let report = [("content-type", "application/csp-report")];
    let empty = shop.door.fetch(Method::POST, "/csp-reports", &report).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert_guarded(&empty, "no report");
}

/// What an rpc answers may hold words of whoever asked, and one that changes nothing is asked
/// by an address alone: as a script of a page it must not run.
///
/// row: S-17
#[tokio::test]
async fn no_answer_is_taken_for_a_script() {
    let shop = Shop::up().await;
    let cart = "/stoa.bff.web.v1.WebService/GetCartPage?connect=v1&encoding=json&message=";
    for (path, status) in [
        (format!("{cart}{{}}"), StatusCode::OK),
        (format!("{cart}["), StatusCode::BAD_REQUEST),
        ("/stoa.no.Such/Rpc".to_owned(), StatusCode::NOT_FOUND),
    ] {
        let answer = shop.door.fetch(Method::GET, &path, &[]).await;
        assert_eq!(answer.status, status, "{path}: {}", text(&answer));
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

/// row: G1
#[tokio::test]
async fn a_script_is_compressed_as_its_reader_likes_and_kept_for_ever() {
    let shop = Shop::up().await;
    let script = script(&shop.door).await;
    let mut versions: Vec<(usize, String)> = Vec::new();
    for (accepted, encoding) in [
        ("identity", None),
        ("gzip", Some("gzip")),
        ("br;q=0, gzip", Some("gzip")),
        ("br; Q=0.000, gzip;q=0.5", Some("gzip")),
        ("gzip, deflate, br, zstd", Some("br")),
    ] {
        let accept = ("accept-encoding", accepted);
        let file = shop.door.fetch(Method::GET, &script, &[accept]).await;
        assert_eq!(file.status, StatusCode::OK);
        let header = |name| {
            file.headers
                .get(name)
                .map(|value| value.to_str().expect("ASCII"))
        };
        assert_eq!(header("content-encoding"), encoding, "{accepted}");
        assert_eq!(
            header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        assert_eq!(
            header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(header("vary"), Some("accept-encoding"));
        assert_eq!(
            file.bytes.starts_with(&[0x1f, 0x8b]),
            encoding == Some("gzip"),
            "{accepted}"
        );
        let tag = header("etag").expect("a file has a tag").to_owned();

        let known = [accept, ("if-none-match", &tag)];
        let known = shop.door.fetch(Method::GET, &script, &known).await;
        assert_eq!(
            (known.status, known.bytes.len()),
            (StatusCode::NOT_MODIFIED, 0)
        );
        assert_eq!(known.headers["etag"], tag);
        let other = [accept, ("if-none-match", "\"another\"")];
        let other = shop.door.fetch(Method::GET, &script, &other).await;
        assert_eq!(
            (other.status, other.bytes),
            (StatusCode::OK, file.bytes.clone())
        );
        versions.push((file.bytes.len(), tag));
    }
    assert_eq!(versions[1], versions[2]);
    assert_eq!(versions[1], versions[3]);
    let smaller = versions[0].0 > versions[1].0 && versions[1].0 > versions[4].0;
    assert!(smaller, "{versions:?}");
    assert_ne!(versions[0].1, versions[1].1);
    assert_ne!(versions[1].1, versions[4].1);
}

/// row: G1
#[tokio::test]
async fn where_nothing_is_a_program_is_told_so() {
    let shop = Shop::up().await;
    for path in ["/nothing", "/.env", "/shopping", "/assets/nothing.js"] {
        let accept = [("accept", "*/*")];
        let answer = shop.door.fetch(Method::GET, path, &accept).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers["content-type"], "application/json");
        let body = serde_json::json!({"code": "not_found", "message": "Nothing is here"});
        assert_eq!(answer.json(), body, "{path}");
    }
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
    let spelt = "/shop/products/MUG%2DSTR%2d01";
    for path in [PRODUCT, "/shop/products/MUG-STR-01/", spelt] {
        for encodings in ["identity", "gzip, br"] {
            let accept = [("accept-encoding", encodings)];
            let page = shop.door.fetch(Method::GET, path, &accept).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.headers.get("content-encoding").is_none());
            let html = text(&page);
            assert!(html.contains(TITLE), "{html}");
            assert!(
                html.contains("<meta property=\"og:title\" content=\"Everyday mug\" />"),
                "{html}"
            );
            let head = shop.door.fetch(Method::HEAD, path, &accept).await;
            assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0));
            assert_eq!(described(&head.headers), described(&page.headers));
            assert_eq!(
                page.headers["content-length"],
                page.bytes.len().to_string().as_str()
            );

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
    let malformed = ["/shop/products/a%20b", "/shop/products/a/b", &long];
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
        let began = Instant::now();
        let page = gateway.get(path).await;
        assert!(began.elapsed() < SOON, "{path} waits for the catalog");
        assert_eq!((page.status, text(&page)), (StatusCode::OK, bare.clone()));
    }
    // Nor does a crawler lack for pages, who asks for another one each time.
    let addresses: Vec<_> = (0..50).map(|n| format!("/shop/products/X-{n}")).collect();
    let pages = join_all(addresses.iter().map(|path| gateway.get(path))).await;
    for page in pages {
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
    // The silence is remembered for a moment, and no longer.
    let found = async {
        while !text(&gateway.get(PRODUCT).await).contains(TITLE) {
            sleep(BETWEEN).await;
        }
        while gateway.get(UNKNOWN).await.status != StatusCode::NOT_FOUND {
            sleep(BETWEEN).await;
        }
    };
    let found = timeout(Duration::from_secs(20), found).await;
    found.expect("the pages have their heads again");
}

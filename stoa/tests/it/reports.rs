//! What browsers tell of pages that broke their policy.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::shop::{Door, Shop};

/// Posts a report to a shop, or what is none.
async fn report(door: &Door, kind: &str, body: String) -> (StatusCode, String) {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("{}/csp-reports", door.origin));
    let request = request.header("content-type", kind).body(Full::from(body));
    let answer = client.request(request.expect("a request")).await;
    let (parts, body) = answer.expect("an answer comes").into_parts();
    let bytes = body.collect().await.expect("it is whole").to_bytes();
    (parts.status, String::from_utf8_lossy(&bytes).into_owned())
}

/// Any site may name the address of another for its reports, and its readers' browsers send them there.
///
/// row: S-17
#[tokio::test]
async fn a_report_is_of_a_page_of_this_shop() {
    let shop = Shop::up().await;
    let own = shop.door.origin.trim_start_matches("http://").to_owned();
    let of = |page: &str| {
        let report = json!({"effective-directive": "img-src", "document-uri": page});
        json!({"csp-report": report}).to_string()
    };
    let kind = "application/csp-report";
    for kind in ["application/json", "application/reports+json", "text/plain"] {
        let (status, said) = report(&shop.door, kind, of(&format!("http://{own}/"))).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}: {said}");
        assert!(said.contains("application/csp-report"), "{kind}: {said}");
    }
    let evil = "https://evil.test";
    let ours = [
        format!("http://{own}/account?next=%2F"),
        format!("http://{}/shop/cart", own.to_ascii_uppercase()),
        format!("https://{own}"), // TLS may end before us
    ];
    let others = [
        evil.to_owned(),
        format!("{evil}/{own}"),
        format!("{evil}/?at=http://{own}/"),
        format!("http://{own}@evil.test/"),
        format!("http://{own}0/"),
        format!("http://evil.{own}/"),
        "about".to_owned(),
        "blob".to_owned(),
        String::new(),
    ];
    for page in ours.iter().chain(&others) {
        let (status, said) = report(&shop.door, kind, of(page)).await;
        assert_eq!((status, &*said), (StatusCode::NO_CONTENT, ""), "{page}");
    }
    let metrics = Door::new(shop.admin.clone()).get("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    let counted = |directive: &str| {
        let wanted = format!("csp_reports_total{{directive=\"{directive}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&wanted));
        count.map_or(0, |count| count.parse().expect("a number"))
    };
    assert_eq!(counted("img-src"), ours.len(), "{metrics}");
    assert_eq!(counted("of-another-site"), others.len());
}

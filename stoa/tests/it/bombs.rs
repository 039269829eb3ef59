//! Requests that are small on the wire and vast inside, or malformed in a way that costs.

use std::io::Write;
use std::process::{Command, Stdio};

use bytes::Bytes;
use futures::future::join_all;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::leaks;
use crate::shop::{Door, Shop};
use crate::wires::code_of;

const CREATE: &str = "order.v1.OrderService/CreateOrder";
const LIST: &str = "catalog.v1.CatalogService/ListProducts";
const QUOTE: &str = "pricing.v1.PricingService/QuoteItems";
const GET: &str = "catalog.v1.CatalogService/GetProduct";
/// Bombs at once, and what they may cost together.
const AT_ONCE: usize = 50;
const GROWTH_MAX_KIB: u64 = 256 << 10;

/// What a request is said to be.
struct Kind {
    content_type: &'static str,
    /// The header that says how the body, or its messages, are compressed.
    encoding: &'static str,
    framed: bool,
}

const KINDS: [Kind; 4] = [
    Kind {
        content_type: "application/json",
        encoding: "content-encoding",
        framed: false,
    },
    Kind {
        content_type: "application/proto",
        encoding: "content-encoding",
        framed: false,
    },
    Kind {
        content_type: "application/grpc",
        encoding: "grpc-encoding",
        framed: true,
    },
    Kind {
        content_type: "application/grpc-web+proto",
        encoding: "grpc-encoding",
        framed: true,
    },
];

/// The code of what comes back.
async fn ask(door: &Door, rpc: &str, kind: &Kind, encoding: Option<&str>, body: Vec<u8>) -> String {
    let mut request = Request::post(format!("{}/stoa.{rpc}", door.origin))
        .header("content-type", kind.content_type);
    if let Some(token) = &door.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(encoding) = encoding {
        request = request.header(kind.encoding, encoding);
    }
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = request.body(Full::from(body)).expect("it is a request");
    let response = client.request(request).await.expect("an answer comes");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("the answer is whole");
    let trailers = body.trailers().cloned().unwrap_or_default();
    let bytes = body.to_bytes();
    if !kind.framed {
        let error: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        return error["code"].as_str().unwrap_or("ok").to_owned();
    }
    let status = trailers
        .get("grpc-status")
        .or(parts.headers.get("grpc-status"));
    if let Some(status) = status.and_then(|status| status.to_str().ok()) {
        return code_of(Some(status));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text
        .split("grpc-status:")
        .nth(1)
        .expect("trailers in the body");
    code_of(status.split_whitespace().next())
}

fn frame(flags: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("it is short");
    [&[flags][..], &length.to_be_bytes(), bytes].concat()
}

fn gzip(bytes: Vec<u8>) -> Vec<u8> {
    let child = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.expect("gzip is everywhere");
    let mut into = child.stdin.take().expect("it has an input");
    let writer = std::thread::spawn(move || into.write_all(&bytes));
    let output = child.wait_with_output().expect("it ends");
    writer
        .join()
        .expect("no panic")
        .expect("it reads to the end");
    output.stdout
}

/// From here on the most memory that a process has had is what it has now.
fn forget_peak(shop: &Shop) {
    let forgotten = std::fs::write(format!("/proc/{}/clear_refs", shop.process.id()), "5");
    forgotten.expect("it is our process");
}

/// The most memory that a process has had since.
fn peak_kib(shop: &Shop) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", shop.process.id()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number of KiB")
}

/// row: S-09, P23
#[tokio::test]
async fn fifty_bombs_at_once_do_not_go_off() {
    let mut settings = Vec::new();
    if proof::sabotaged("S-09") {
        // Whoever guesses a password is a bomb.
        let memory = (GROWTH_MAX_KIB * 3 / 2).to_string();
        settings.push(("STOA_USER__PASSWORD__MEMORY_KIB", memory));
    }
    let mut shop = Shop::up_with(&settings).await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let bomb = gzip(vec![b'x'; 100 << 20]);
    assert!(bomb.len() < 200 << 10);
    forget_peak(&shop);
    let before = peak_kib(&shop);
    if !settings.is_empty() {
        shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    }
    for kind in &KINDS {
        let body = match kind.framed {
            true => frame(1, &bomb),
            false => bomb.clone(),
        };
        let asked =
            (0..AT_ONCE).map(|_| ask(&customer.door, CREATE, kind, Some("gzip"), body.clone()));
        for code in join_all(asked).await {
            assert_eq!(code, "resource_exhausted", "{}", kind.content_type);
        }
        for encoding in ["br", "zstd", "deflate"] {
            let code = ask(&customer.door, CREATE, kind, Some(encoding), body.clone()).await;
            assert_eq!(code, "unimplemented", "{} {encoding}", kind.content_type);
        }
    }
    // A quarter of a MiB of items that say nothing, two bytes each: legal, and far too many.
    let items = [0x12, 0x00].repeat((256 << 10) / 2 - 8);
    for kind in &KINDS[1..] {
        let body = match kind.framed {
            true => frame(0, &items),
            false => items.clone(),
        };
        let asked = (0..AT_ONCE).map(|_| ask(&customer.door, CREATE, kind, None, body.clone()));
        for code in join_all(asked).await {
            let refused = ["invalid_argument", "resource_exhausted"].contains(&&*code);
            assert!(refused, "{}: {code}", kind.content_type);
        }
    }
    let grown = peak_kib(&shop).saturating_sub(before);
    println!("{grown} KiB more at the peak");
    proof::must("S-09", grown <= GROWTH_MAX_KIB, format_args!("{grown} KiB"));
    let bound = format!("{GROWTH_MAX_KIB} KiB, grew by {grown}");
    proof::held("S-09", AT_ONCE * (KINDS.len() * 2 - 1), bound);
    let placed = customer.place("MUG-STR-01", 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
    leaks::search_shop(&mut shop, &[]).await;
}

/// What is compressed is unpacked no further than it may be long, by any limit that there is.
///
/// row: S-09
#[tokio::test]
async fn a_bomb_costs_no_more_than_four_times_its_limit() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let bomb = gzip(vec![b'x'; 100 << 20]);
    let mut worst = 0.0;
    for (rpc, limit_kib) in [(CREATE, 256), (QUOTE, 1024)] {
        for kind in &KINDS {
            let body = match kind.framed {
                true => frame(1, &bomb),
                false => bomb.clone(),
            };
            let mut grown = Vec::new();
            for _ in 0..9 {
                forget_peak(&shop);
                let before = peak_kib(&shop);
                let code = ask(&customer.door, rpc, kind, Some("gzip"), body.clone()).await;
                assert_eq!(code, "resource_exhausted", "{rpc} {}", kind.content_type);
                grown.push(peak_kib(&shop).saturating_sub(before));
            }
            grown.sort_unstable(); // others of the process take memory too, now and then
            let (usual, said) = (grown[4], format!("{rpc} {}: {grown:?}", kind.content_type));
            proof::must("S-09", usual <= 4 * limit_kib, &said);
            worst = f64::max(worst, usual as f64 / limit_kib as f64);
        }
    }
    proof::held("S-09", 72, format!("4 × the limit, at most {worst:.1} ×"));
}

/// row: S-09
#[tokio::test]
async fn what_is_malformed_is_the_caller_s_fault() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let [json_kind, proto_kind, grpc_kind, _] = &KINDS;
    let deep = format!("{}{}", r#"{"query":["#.repeat(10_000), "]}".repeat(10_000));
    let long = json!({"id": "x".repeat((1 << 20) - 100)}).to_string();
    for (rpc, body) in [
        (LIST, deep.into_bytes()),
        (LIST, br#"{"pageSize": NaN}"#.to_vec()),
        (LIST, br#"{"pageSize": "Infinity"}"#.to_vec()),
        (LIST, br#"{"pageSize": 1e400}"#.to_vec()),
        (LIST, br#"{"pageSize": 1.5}"#.to_vec()),
        (LIST, b"{\"query\": \"\xff\xfe\"}".to_vec()),
        (GET, long.into_bytes()),
    ] {
        let start = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
        let code = ask(&shop.door, rpc, json_kind, None, body).await;
        assert_eq!(code, "invalid_argument", "{start}");
    }
    let groups = vec![0x0b; 10_000]; // each opens one more group
    let not_text = b"\x0a\x02\xff\xfe".to_vec();
    let cut_off = b"\x0a\x7fshort".to_vec();
    for body in [groups, not_text, cut_off] {
        let code = ask(&shop.door, LIST, proto_kind, None, body.clone()).await;
        let start = &body[..body.len().min(12)];
        assert_eq!(code, "invalid_argument", "{start:?}");
    }
    let claims = [&[0][..], &u32::MAX.to_be_bytes(), b"short"].concat();
    let code = ask(&shop.door, LIST, grpc_kind, None, claims).await;
    assert_eq!(code, "resource_exhausted");
    // As many as nobody takes, and as many as are just taken: of empty items, and of a map's entries.
    for (bytes, wanted) in [
        (4 << 20, "resource_exhausted"),
        (1 << 20, "invalid_argument"),
    ] {
        let items = [0x0a, 0x00].repeat(bytes / 2);
        let code = ask(&customer.door, QUOTE, proto_kind, None, items).await;
        assert_eq!(code, wanted, "{bytes} bytes of items");
    }
    for (entries, wanted) in [(1_000_000, "resource_exhausted"), (80_000, "ok")] {
        let entries: Vec<String> = (0..entries).map(|key| format!("\"{key}\":0")).collect();
        let body = format!(r#"{{"map":{{{}}}}}"#, entries.join(","));
        let code = ask(&shop.door, LIST, json_kind, None, body.into_bytes()).await;
        assert_eq!(code, wanted, "{} entries", entries.len());
    }
    let all = shop.door.call(LIST, json!({"pageSize": i32::MAX})).await;
    let products = all.json()["products"].as_array().map_or(0, Vec::len);
    assert!((1..=100).contains(&products), "{products} on a page");
    leaks::search_shop(&mut shop, &[]).await;
}

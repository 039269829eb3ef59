//! How little the whole shop takes.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use crate::shop::{Shop, binary};

const RESIDENT_MAX_KIB: u64 = 100_000;
const WORK_MAX_SECONDS: f64 = 1.0;
/// What waits for something at its start waits longer than any machine is busy.
const READY_MAX: Duration = Duration::from_secs(10);
const CHECKOUTS: usize = 100;

/// Ready soon on a data folder that has its demo data, and small after a hundred checkouts. A
/// busy machine proves nothing about how long the clock says it took, so what is held is the
/// processor's time, and a clock that no machine is too slow for; `just bench` has the clock's.
///
/// row: X2
#[tokio::test]
async fn it_says_how_to_begin_and_stays_below_100_mb() {
    let mut shop = Shop::up().await;
    let welcome = shop.process.output();
    for person in ["customer", "support", "operator", "admin"] {
        assert!(welcome.contains(person), "{person} in {welcome}");
    }
    shop.log().await;
    let begun = Instant::now();
    shop.restart().await;
    let (ready, worked) = (begun.elapsed(), processor_seconds(shop.process.id()));
    assert!(worked < WORK_MAX_SECONDS, "ready after {worked} s of work");
    assert!(ready < READY_MAX, "ready after {ready:?}");
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    for _ in 0..CHECKOUTS {
        let placed = customer.place("MUG-STR-01", 1, "tok_ok").await;
        assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", shop.process.id()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let resident: u64 = number
        .and_then(|number| number.parse().ok())
        .expect("a number of KiB");
    println!(
        "ready after {ready:?} and {worked} s of work, {resident} KiB after {CHECKOUTS} checkouts"
    );
    assert!(resident < RESIDENT_MAX_KIB, "{resident} KiB");
}

/// How long the processor has worked for a process, in seconds: proc(5), fields 14 and 15 of
/// its `stat`.
fn processor_seconds(process: u32) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // What the program is called, the second field, may hold anything but ends with the last one.
    let (_, after) = stat.rsplit_once(") ").expect("a name in brackets");
    let fields = after.split_whitespace().skip(11).take(2);
    let ticks: f64 = fields
        .map(|ticks| ticks.parse::<f64>().expect("ticks"))
        .sum();
    ticks / TICKS_PER_SECOND
}

/// Whoever has no Node builds a binary without pages: everything else is there, and a browser
/// reads what to do.
///
/// row: X2
#[tokio::test]
async fn without_the_web_client_only_the_pages_are_missing() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = folder.path().join("stoa");
    without_pages(binary(), &program);
    let shop = Shop::up_of(&program).await;
    for page in ["/", "/shop/search", "/shop/products/MUG-STR-01"] {
        let answer = shop.door.get(page).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
        let text = String::from_utf8_lossy(&answer.bytes);
        assert!(text.contains("just web"), "{page}: {text}");
    }
    let home = shop
        .door
        .call("bff.web.v1.WebService/GetHome", json!({}))
        .await;
    assert_eq!(home.code(), "ok", "{:?}", home.bytes);
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let placed = customer.place("MUG-STR-01", 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
}

/// Copies a debug program, which reads the pages out of the folder that they are built into, as
/// one that looks where nothing is.
fn without_pages(program: &Path, copy: &Path) {
    let (built, nowhere) = (b"web-client/dist", b"web-client/none");
    let mut bytes = std::fs::read(program).expect("the binary under test");
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, built).collect();
    assert!(!places.is_empty(), "this program carries its pages");
    for place in places {
        bytes[place..place + built.len()].copy_from_slice(nowhere);
    }
    std::fs::write(copy, bytes).expect("a file in the test's own folder");
    let mode = std::fs::metadata(program)
        .expect("the binary under test")
        .permissions();
    std::fs::set_permissions(copy, mode).expect("a file of ours");
}

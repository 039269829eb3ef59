//! How little the whole shop takes.

use tokio::time::Instant;

use crate::shop::Shop;

const RESIDENT_MAX_KIB: u64 = 100_000;
const CHECKOUTS: usize = 100;

/// Small after a hundred checkouts, on a data folder that has its demo data. How soon it is ready
/// is printed; a busy machine proves nothing about it, `just bench` measures it.
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
    let ready = begun.elapsed();
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
    println!("ready after {ready:?}, {resident} KiB after {CHECKOUTS} checkouts");
    assert!(resident < RESIDENT_MAX_KIB, "{resident} KiB");
}

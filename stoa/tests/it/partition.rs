//! The network between gateway and order, and between order and payment, is cut while people buy: one way, the other,
//! both. No order is lost, none is charged twice, and all come to an end when it is healed.

mod cable;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use cable::{Cable, Cut};

use crate::crash::customer::{Checkout, Visit};
use crate::crash::journal::Journal;
use crate::fleet::Fleet;
use crate::shop::Door;

const SKU: &str = "MUG-STR-01";
const CALLERS: usize = 6;
/// Between two cuts, so that each meets a shop that is well.
const HEALED: Duration = Duration::from_secs(3);
/// How long a customer asks for the same order: past the longest cut.
const PATIENCE: Duration = Duration::from_secs(120);

/// row: R-20, E5
#[tokio::test]
async fn a_network_that_is_cut_loses_no_order_and_charges_nobody_twice() {
    cut_everywhere(Duration::from_secs(4)).await;
}

/// The size of the row: each cut is half a minute, past the time that anybody waits.
///
/// row: R-20
#[tokio::test]
#[ignore = "some four minutes: `just full`"]
async fn at_full_size_a_network_that_is_cut_loses_no_order_and_charges_nobody_twice() {
    cut_everywhere(Duration::from_secs(30)).await;
}

async fn put_in_stock(door: &Door) {
    let operator = door.sign_in("operator@stoa.test", "stoa-demo").await;
    let stock = json!({"sku": SKU, "delta": 1_000_000, "reason": "count"});
    let adjusted = operator
        .door
        .call("inventory.v1.InventoryService/AdjustStock", stock);
    assert_eq!(adjusted.await.code(), "ok");
}

async fn cut_everywhere(during: Duration) {
    let mut fleet = Fleet::start_with(&[("STOA_RATE_LIMIT", "off")]).await;
    let to_order = Cable::to(fleet.port("order")).await;
    let to_payment = Cable::to(fleet.port("payment")).await;
    let at = |cable: &Cable| format!("http://{}", cable.address);
    let through = [("STOA_PEERS__PAYMENT", at(&to_payment))];
    fleet.restart_with("order", &through).await;
    let through = [("STOA_PEERS__ORDER", at(&to_order))];
    fleet.restart_with("gateway", &through).await;

    put_in_stock(&fleet.gateway).await;
    let folder = tempfile::tempdir().expect("temporary folder");
    let journal = Journal::new(folder.path());
    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut people = Vec::new();
    for number in 0..CALLERS {
        people.push(
            fleet
                .gateway
                .sign_up(&format!("buys-{number}@example.test"))
                .await,
        );
    }
    let load = join_all(people.iter().map(|customer| {
        let visit = Visit {
            customer,
            journal: &journal,
            patience: PATIENCE,
        };
        let (stop, next) = (&stop, &next);
        async move {
            let mut broken = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let checkout = Checkout {
                    number,
                    sku: SKU.to_owned(),
                    quantity: 1,
                    method: "tok_ok",
                    cancel: number % 5 == 0,
                };
                broken.extend(visit.make(&checkout).await.broken);
            }
            broken
        }
    }));
    let cuts = async {
        let mut done = Vec::new();
        for (order, payment) in [
            (Cut::There, Cut::None),
            (Cut::Back, Cut::None),
            (Cut::None, Cut::There),
            (Cut::None, Cut::Back),
            (Cut::Both, Cut::Both),
        ] {
            sleep(HEALED).await;
            let before = next.load(Ordering::Relaxed);
            let held = || [to_order.held(), to_payment.held()];
            let held_before = held();
            to_order.cut(order);
            to_payment.cut(payment);
            sleep(during).await;
            to_order.cut(Cut::None);
            to_payment.cut(Cut::None);
            let begun = next.load(Ordering::Relaxed) - before;
            // What is cut kept something back, and what is not nothing: a process that asks another way proves nothing.
            let held: Vec<bool> = held()
                .iter()
                .zip(held_before)
                .map(|(now, before)| *now > before)
                .collect();
            let cut = [order, payment].map(|cut| cut != Cut::None);
            // While nobody reaches order, it may have nothing to ask payment for.
            let seen = held == cut || (cut == [true, true] && held[0]);
            assert!(seen, "{order:?}, {payment:?}: {held:?}");
            done.push((order, payment, begun));
        }
        sleep(HEALED).await;
        stop.store(true, Ordering::Relaxed);
        done
    };
    let (broken, cuts) = tokio::join!(load, cuts);
    let begun = next.into_inner();
    println!("{begun} checkouts; begun while cut: {cuts:?}");
    assert_eq!(broken.concat(), Vec::<String>::new());
    // Nobody begins another while his order cannot be asked about: the cuts were there.
    for (order, _, begun) in &cuts {
        assert!(*order == Cut::None || *begun <= CALLERS, "{cuts:?}");
    }
    assert!(begun > 10 * CALLERS, "{begun} checkouts");

    let history = journal.history().display().to_string();
    let (code, printed) = fleet
        .stoa(&["audit", "--settle", "60", "--history", &history])
        .await;
    println!("{printed}");
    assert_eq!(code, 0, "{printed}");
}

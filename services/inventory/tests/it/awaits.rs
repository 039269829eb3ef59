//! Commands that die at each of their awaits.

use proto::inventory::v1::{AdjustStockRequest, ReservationState};
use testkit::awaits::dies_at_each;
use testkit::both_engines;
use uuid::Uuid;

use crate::app::{TestApp, keyed};

fn order(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

/// Pieces, so many for each up to this number.
fn pieces(each: i64, number: u128) -> i64 {
    each * i64::try_from(number).unwrap()
}

/// The facts about a SKU whose books have changed that often.
fn changes(count: u128) -> Vec<String> {
    let fact = |version| format!("stock.changed {version}");
    (1..=count).map(fact).collect()
}

/// row: R-01, I1, I6, I8
#[both_engines]
async fn stock_comes_in_once(inventory: TestApp) {
    let adjust = async |number| {
        let request = AdjustStockRequest {
            sku: "lamp".to_owned(),
            delta: 5,
            reason: "count".to_owned(),
        };
        let request = keyed(&format!("k{number}"), request);
        let answer = inventory.operator().adjust_stock(request).await;
        answer.expect("it comes in").into_inner()
    };
    let after = async |number, _| {
        assert_eq!(inventory.counts("lamp").await, [pieces(5, number), 0, 0]);
        assert_eq!(inventory.facts("lamp").await, changes(number));
    };
    dies_at_each(async |_| {}, adjust, after).await;
}

/// row: R-01, D12, I1, I6
#[both_engines]
async fn goods_are_held_once(inventory: TestApp) {
    inventory.stock(&[("lamp", 1000)]).await;
    let reserve = async |number| inventory.reserved(&order(number), &[("lamp", 2)]).await;
    let after = async |number, _| {
        let held = pieces(2, number);
        assert_eq!(inventory.counts("lamp").await, [1000 - held, held, 0]);
        let facts = inventory.facts(&order(number)).await;
        assert_eq!(facts, ["inventory.reserved 1"]);
        assert_eq!(inventory.facts("lamp").await, changes(number + 1));
    };
    dies_at_each(async |_| {}, reserve, after).await;
}

/// row: R-01, D12, I1, I6
#[both_engines]
async fn goods_are_sold_once(inventory: TestApp) {
    inventory.stock(&[("lamp", 1000)]).await;
    let hold = async |number| {
        let held = inventory.reserved(&order(number), &[("lamp", 2)]).await;
        assert_eq!(held.state(), ReservationState::Held);
    };
    let commit = async |number| inventory.committed(&order(number)).await;
    let after = async |number, _| {
        let sold = pieces(2, number);
        assert_eq!(inventory.counts("lamp").await, [1000 - sold, 0, sold]);
        let facts = inventory.facts(&order(number)).await;
        assert_eq!(facts, ["inventory.reserved 1", "inventory.committed 2"]);
    };
    dies_at_each(hold, commit, after).await;
}

/// row: R-01, D12, I1, I6
#[both_engines]
async fn goods_are_given_back_once(inventory: TestApp) {
    inventory.stock(&[("lamp", 9)]).await;
    let hold = async |number| {
        let held = inventory.reserved(&order(number), &[("lamp", 9)]).await;
        assert_eq!(held.state(), ReservationState::Held);
    };
    let release = async |number| inventory.released(&order(number)).await;
    let after = async |number, _| {
        assert_eq!(inventory.counts("lamp").await, [9, 0, 0]);
        let facts = inventory.facts(&order(number)).await;
        assert_eq!(facts, ["inventory.reserved 1", "inventory.released 2"]);
        assert_eq!(inventory.facts("lamp").await, changes(2 * number + 1));
    };
    dies_at_each(hold, release, after).await;
}

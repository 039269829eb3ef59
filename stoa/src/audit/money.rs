//! I2: the books balance, and each order's money is where its status says.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::Finding;
use super::rows::{Movement, Rows, Status};

const CLAIM: &str =
    "the books balance; captured - refunded is the total of a CONFIRMED order, 0 of an ended one";

/// What the books say of one order, by currency.
#[derive(Default)]
struct Money {
    captured: BTreeMap<String, i64>,
    refunded: BTreeMap<String, i64>,
    captures: usize,
    refunds: usize,
}

pub(super) fn check(rows: &Rows) -> Finding {
    let mut finding = Finding::new("I2", CLAIM);
    let mut by_order: HashMap<Uuid, Money> = HashMap::new();
    for movement in &rows.movements {
        balances(movement, &mut finding);
        book(by_order.entry(movement.order_id).or_default(), movement);
    }
    for (id, money) in &by_order {
        finding.check(money.captures <= 1 && money.refunds <= 1, || {
            format!(
                "order {id} has {} captures and {} refunds",
                money.captures, money.refunds
            )
        });
        finding.check(rows.orders.contains_key(id), || {
            format!("money moved for order {id}, which does not exist")
        });
    }
    orders(rows, &by_order, &mut finding);
    payments(rows, &by_order, &mut finding);
    finding
}

fn balances(movement: &Movement, finding: &mut Finding) {
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for (currency, minor_units) in &movement.lines {
        *sums.entry(currency).or_default() += i128::from(*minor_units);
    }
    let balanced = movement.lines.len() >= 2 && sums.values().all(|sum| *sum == 0);
    finding.check(balanced, || {
        format!(
            "the {} of order {} does not balance: {sums:?}",
            movement.kind, movement.order_id
        )
    });
}

fn book(money: &mut Money, movement: &Movement) {
    let (sums, count) = match movement.kind.as_str() {
        "capture" => (&mut money.captured, &mut money.captures),
        _ => (&mut money.refunded, &mut money.refunds),
    };
    *count += 1;
    for (currency, minor_units) in movement
        .lines
        .iter()
        .filter(|(_, minor_units)| *minor_units > 0)
    {
        *sums.entry(currency.clone()).or_default() += minor_units;
    }
}

fn kept(money: Option<&Money>, currency: &str) -> i64 {
    let of = |sums: &BTreeMap<String, i64>| sums.get(currency).copied().unwrap_or_default();
    money.map_or(0, |money| of(&money.captured) - of(&money.refunded))
}

fn orders(rows: &Rows, by_order: &HashMap<Uuid, Money>, finding: &mut Finding) {
    for (id, order) in &rows.orders {
        let wanted = match order.status {
            Status::Confirmed => order.total,
            Status::Cancelled | Status::Rejected => 0,
            _ => continue,
        };
        let kept = kept(by_order.get(id), &order.currency);
        finding.check(kept == wanted, || {
            let (status, currency) = (order.status, &order.currency);
            format!("order {id} is {status:?}: {kept} {currency} minor units are kept, {wanted} should be")
        });
        let foreign = by_order.get(id).is_some_and(|money| {
            money
                .captured
                .keys()
                .any(|currency| *currency != order.currency)
        });
        finding.check(!foreign, || {
            format!("order {id} was charged in another currency")
        });
    }
}

fn payments(rows: &Rows, by_order: &HashMap<Uuid, Money>, finding: &mut Finding) {
    for (id, payment) in rows.payments.iter().filter(|(_, payment)| payment.captured) {
        let told = payment.amount - payment.refunded;
        let kept = kept(by_order.get(id), &payment.currency);
        finding.check(told == kept, || {
            format!("the payment of order {id} tells of {told} minor units, the books of {kept}")
        });
    }
}

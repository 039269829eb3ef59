//! I1: nothing is sold twice and nothing is lost.

use std::collections::BTreeMap;

use super::Finding;
use super::rows::{Rows, Status};

const CLAIM: &str =
    "available + reserved + committed = received; reserved and committed are what orders say";

pub(super) fn check(rows: &Rows) -> Finding {
    let mut finding = Finding::new("I1", CLAIM);
    levels(rows, &mut finding);
    orders(rows, &mut finding);
    finding
}

fn levels(rows: &Rows, finding: &mut Finding) {
    let (held, sold) = (pieces(rows, "HELD"), pieces(rows, "COMMITTED"));
    for level in &rows.levels {
        let sku = &level.sku;
        let parts = [level.available, level.reserved, level.committed];
        finding.check(parts.iter().all(|part| *part >= 0), || {
            format!("{sku} has negative stock: {parts:?}")
        });
        let sum: i128 = parts.iter().map(|part| i128::from(*part)).sum();
        finding.check(sum == i128::from(level.received), || {
            format!(
                "{sku}: available, reserved and committed are {sum} pieces, received were {}",
                level.received
            )
        });
        let of =
            |pieces: &BTreeMap<&str, i64>| pieces.get(sku.as_str()).copied().unwrap_or_default();
        finding.check(of(&held) == level.reserved, || {
            format!(
                "{sku}: {} reserved, reservations hold {}",
                level.reserved,
                of(&held)
            )
        });
        finding.check(of(&sold) == level.committed, || {
            format!(
                "{sku}: {} committed, reservations sold {}",
                level.committed,
                of(&sold)
            )
        });
    }
}

/// Pieces by SKU over all reservations of one state.
fn pieces<'a>(rows: &'a Rows, state: &str) -> BTreeMap<&'a str, i64> {
    let mut pieces = BTreeMap::new();
    for reservation in rows
        .reservations
        .values()
        .filter(|reservation| reservation.state == state)
    {
        for (sku, quantity) in &reservation.items {
            *pieces.entry(sku.as_str()).or_default() += quantity;
        }
    }
    pieces
}

fn orders(rows: &Rows, finding: &mut Finding) {
    for (id, reservation) in &rows.reservations {
        let status = rows.orders.get(id).map(|order| order.status);
        let state = reservation.state.as_str();
        let justified = match state {
            "HELD" => status.is_some_and(|status| !status.is_terminal()),
            "COMMITTED" => matches!(
                status,
                Some(Status::Paid | Status::Confirmed | Status::Cancelling)
            ),
            _ => true,
        };
        finding.check(justified, || {
            format!("order {id} is {status:?}, its reservation is {state}")
        });
    }
    for (id, order) in rows
        .orders
        .iter()
        .filter(|(_, order)| order.status == Status::Confirmed)
    {
        let sold = rows
            .reservations
            .get(id)
            .filter(|reservation| reservation.state == "COMMITTED");
        finding.check(sold.is_some_and(|sold| sold.items == order.items), || {
            format!("order {id} is CONFIRMED, but its pieces are not sold to it")
        });
    }
}

//! I3: every order comes to an end.

use super::rows::Rows;
use super::{Entry, Finding};

const CLAIM: &str =
    "every order a client knows of is CONFIRMED, CANCELLED or REJECTED; no saga step is pending";

pub(super) fn check(rows: &Rows, history: &[Entry]) -> Finding {
    let mut finding = Finding::new("I3", CLAIM);
    for (id, order) in &rows.orders {
        finding.check(order.status.is_terminal(), || {
            format!("order {id} is still {:?}", order.status)
        });
    }
    for id in &rows.pending_sagas {
        finding.check(false, || {
            format!("the saga of order {id} still has a step to do")
        });
    }
    for id in history.iter().filter_map(|entry| entry.order_id) {
        finding.check(rows.orders.contains_key(&id), || {
            format!("a client was given order {id}, which does not exist")
        });
    }
    finding
}

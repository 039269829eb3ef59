//! I8 and I9: what a client was told stays true, however often it asks.

use std::collections::{BTreeMap, HashMap};

use super::rows::{Rows, Status};
use super::{Entry, Finding};

pub(super) const IDEMPOTENCY: &str =
    "same key and request: byte-equal answer, one effect; same key, other request: an error";
/// Answers of other rpcs speak of an order that is there already.
const CREATES: &str = "CreateOrder";
pub(super) const DURABILITY: &str = "what an answer promised can be read after a restart";

/// Answers that say nothing of the command itself: it may run again.
const PASSING: [&str; 6] = [
    "unavailable",
    "deadline_exceeded",
    "aborted",
    "resource_exhausted",
    "canceled",
    "unauthenticated",
];

pub(super) fn idempotency(rows: &Rows, history: &[Entry]) -> Finding {
    let mut finding = Finding::new("I8", IDEMPOTENCY);
    let mut by_key: BTreeMap<(&str, &str, &str), Vec<&Entry>> = BTreeMap::new();
    for entry in history
        .iter()
        .filter(|entry| !PASSING.contains(&entry.code.as_str()))
    {
        if let Some(key) = &entry.key {
            by_key
                .entry((&entry.subject, &entry.method, key))
                .or_default()
                .push(entry);
        }
    }
    let mut owners: HashMap<_, (&str, &str, &str)> = HashMap::new();
    for (name, entries) in &by_key {
        let key = name.2;
        // The first that was not refused as another request owns the key.
        let owner = entries
            .iter()
            .find(|entry| entry.code != "invalid_argument")
            .unwrap_or(&entries[0]);
        for entry in entries {
            if entry.request == owner.request {
                finding.check(
                    entry.answer == owner.answer && entry.code == owner.code,
                    || {
                        format!(
                            "key {key}: the same request was answered `{}` and `{}`",
                            owner.answer, entry.answer
                        )
                    },
                );
            } else {
                finding.check(entry.code == "invalid_argument", || {
                    format!(
                        "key {key}: another request was answered {} instead of refused",
                        entry.code
                    )
                });
            }
        }
        if let Some(order) = owner.order_id.filter(|_| owner.method.ends_with(CREATES)) {
            let first = *owners.entry(order).or_insert(*name);
            finding.check(first == *name, || {
                format!("order {order} answers two keys, {} and {key}", first.2)
            });
        }
    }
    for row in rows.remembered.iter().filter(|row| row.service == "order") {
        finding.check(row.sealed, || {
            format!(
                "{} claimed key {} of {} and never answered it",
                row.subject, row.key, row.method
            )
        });
    }
    finding
}

pub(super) fn durability(rows: &Rows, history: &[Entry]) -> Finding {
    let mut finding = Finding::new("I9", DURABILITY);
    for entry in history {
        let (Some(id), Some(told)) = (entry.order_id, entry.status.as_deref()) else {
            continue;
        };
        let now = rows.orders.get(&id).map(|order| order.status);
        finding.check(now.is_some_and(|now| may_follow(told, now)), || {
            format!("a client was told that order {id} is {told}; it is {now:?}")
        });
    }
    finding
}

/// Whether an order that was `told` may be `now`: moves only go forward.
fn may_follow(told: &str, now: Status) -> bool {
    match told {
        "PENDING" => !matches!(now, Status::Unknown(_)),
        "PAID" => !matches!(now, Status::Pending | Status::Unknown(_)),
        "CONFIRMED" => matches!(
            now,
            Status::Confirmed | Status::Cancelling | Status::Cancelled
        ),
        "CANCELLING" => matches!(
            now,
            Status::Cancelling | Status::Cancelled | Status::Rejected
        ),
        "CANCELLED" => now == Status::Cancelled,
        "REJECTED" => now == Status::Rejected,
        _ => false,
    }
}

//! Each check is shown a system that is right, and every breach it is there for.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::rows::{
    Fact, Level, Movement, Order, Payment, Remembered, Reservation, Rows, Status, Thing,
};
use super::{Entry, audit};

const CONFIRMED: Uuid = Uuid::from_u128(1);
const CANCELLED: Uuid = Uuid::from_u128(2);

/// Two lamps bought, two more bought and given back, six left of ten.
fn sound() -> Rows {
    let items = BTreeMap::from([("LAMP".to_owned(), 2)]);
    let order = |status| Order {
        status,
        currency: "EUR".to_owned(),
        total: 500,
        items: items.clone(),
    };
    let reservation = |state: &str| Reservation {
        state: state.to_owned(),
        items: items.clone(),
    };
    let payment = |refunded| Payment {
        currency: "EUR".to_owned(),
        amount: 500,
        refunded,
        captured: true,
    };
    Rows {
        orders: [
            (CONFIRMED, order(Status::Confirmed)),
            (CANCELLED, order(Status::Cancelled)),
        ]
        .into(),
        pending_sagas: Vec::new(),
        levels: vec![Level {
            sku: "LAMP".to_owned(),
            available: 8,
            reserved: 0,
            committed: 2,
            received: 10,
        }],
        reservations: [
            (CONFIRMED, reservation("COMMITTED")),
            (CANCELLED, reservation("RELEASED")),
        ]
        .into(),
        movements: vec![
            movement(CONFIRMED, "capture", 500),
            movement(CANCELLED, "capture", 500),
            movement(CANCELLED, "refund", 500),
        ],
        payments: [(CONFIRMED, payment(0)), (CANCELLED, payment(500))].into(),
        remembered: vec![Remembered {
            service: "order",
            subject: "user:1".to_owned(),
            method: "CreateOrder".to_owned(),
            key: "k".to_owned(),
            sealed: true,
        }],
        facts: (1..=3).map(|version| fact("order", version)).collect(),
        things: vec![thing("order", 3)],
        ..Rows::default()
    }
}

fn movement(order_id: Uuid, kind: &str, amount: i64) -> Movement {
    let lines = vec![("EUR".to_owned(), amount), ("EUR".to_owned(), -amount)];
    Movement {
        order_id,
        kind: kind.to_owned(),
        lines,
    }
}

fn fact(service: &'static str, version: i64) -> Fact {
    Fact {
        service,
        aggregate: "order".to_owned(),
        key: CONFIRMED.to_string(),
        version,
        is_farewell: false,
    }
}

/// What [`fact`] tells of.
fn thing(service: &'static str, version: i64) -> Thing {
    let Rows { read_at, .. } = Rows::default();
    Thing {
        service,
        aggregate: "order",
        key: CONFIRMED.to_string(),
        version,
        created_at: Some(read_at),
        updated_at: read_at,
    }
}

fn told(key: &str, request: &str, code: &str, answer: &str) -> Entry {
    Entry {
        subject: "user:1".to_owned(),
        method: "CreateOrder".to_owned(),
        key: Some(key.to_owned()),
        request: request.to_owned(),
        code: code.to_owned(),
        answer: answer.to_owned(),
        order_id: (code == "ok").then_some(CONFIRMED),
        status: (code == "ok").then(|| "CONFIRMED".to_owned()),
    }
}

/// The ids of the invariants that are breached.
fn breached(rows: &Rows, history: &[Entry]) -> Vec<&'static str> {
    let findings = audit(rows, Some(history));
    findings
        .into_iter()
        .filter(|found| !found.breaches.is_empty())
        .map(|found| found.id)
        .collect()
}

/// row: I1, I2, I3, I6, I8, I9
#[test]
fn a_sound_system_passes_and_says_what_was_not_checked() {
    let history = [
        told("k", "a", "ok", "{}"),
        told("k", "a", "ok", "{}"),
        told("k", "b", "invalid_argument", "other request"),
        told("k", "a", "unavailable", "while restarting"),
    ];
    assert_eq!(breached(&sound(), &history), Vec::<&str>::new());
    let findings = audit(&sound(), None);
    let unchecked: Vec<_> = findings
        .iter()
        .filter(|found| found.checked.is_none())
        .map(|found| found.id)
        .collect();
    assert_eq!(unchecked, ["I4", "I5", "I7", "I8", "I9", "I10"]);
    let checked = |id| {
        findings
            .iter()
            .find(|found| found.id == id)
            .and_then(|found| found.checked)
    };
    for id in ["I1", "I2", "I3", "I6"] {
        assert!(checked(id) > Some(0), "{id} looked at nothing");
    }
}

/// row: I1
#[test]
fn stock_that_does_not_add_up_is_found() {
    let plants: [fn(&mut Rows); 5] = [
        |rows| rows.levels[0].available -= 1,
        |rows| rows.levels[0].received += 1,
        |rows| {
            (rows.levels[0].available, rows.levels[0].reserved) = (9, -1);
        },
        |rows| {
            rows.reservations.remove(&CONFIRMED);
            (rows.levels[0].committed, rows.levels[0].available) = (0, 10);
        },
        |rows| {
            rows.reservations
                .get_mut(&CANCELLED)
                .expect("planted")
                .state = "HELD".to_owned()
        },
    ];
    for (number, plant) in plants.into_iter().enumerate() {
        let mut rows = sound();
        plant(&mut rows);
        assert_eq!(breached(&rows, &[]), ["I1"], "plant {number}");
    }
}

/// row: I2
#[test]
fn money_that_does_not_add_up_is_found() {
    let plants: [fn(&mut Rows); 6] = [
        |rows| rows.movements[0].lines[0].1 += 1,
        |rows| rows.movements.push(movement(CONFIRMED, "capture", 500)),
        |rows| {
            rows.movements.pop();
        },
        |rows| {
            rows.movements.remove(0);
        },
        |rows| {
            rows.movements
                .push(movement(Uuid::from_u128(9), "capture", 1))
        },
        |rows| rows.payments.get_mut(&CANCELLED).expect("planted").refunded = 400,
    ];
    for (number, plant) in plants.into_iter().enumerate() {
        let mut rows = sound();
        plant(&mut rows);
        assert_eq!(breached(&rows, &[]), ["I2"], "plant {number}");
    }
}

/// row: I3
#[test]
fn an_order_that_does_not_end_is_found() {
    let mut rows = sound();
    rows.pending_sagas.push(CONFIRMED);
    assert_eq!(breached(&rows, &[]), ["I3"]);
    let mut rows = sound();
    rows.orders.get_mut(&CANCELLED).expect("planted").status = Status::Cancelling;
    assert_eq!(breached(&rows, &[]), ["I3"]);
    assert!(!rows.is_quiet());
}

/// row: I6
#[test]
fn a_fact_that_is_missing_twice_there_or_of_nothing_is_found() {
    let plants: [fn(&mut Rows); 8] = [
        |rows| drop(rows.facts.remove(0)),
        |rows| drop(rows.facts.remove(1)),
        |rows| drop(rows.facts.remove(2)),
        |rows| rows.facts.clear(),
        |rows| rows.facts.push(fact("order", 3)),
        |rows| rows.facts.push(fact("order", 4)),
        |rows| rows.things.clear(),
        |rows| rows.things.push(thing("payment", 1)),
    ];
    for (number, plant) in plants.into_iter().enumerate() {
        let mut rows = sound();
        plant(&mut rows);
        assert_eq!(breached(&rows, &[]), ["I6"], "plant {number}");
    }
}

/// row: I6
#[test]
fn a_thing_that_is_gone_needs_a_fact_that_says_so_and_one_without_changes_none() {
    let mut rows = sound();
    rows.things = vec![thing("inventory", 0)];
    rows.facts[2].is_farewell = true;
    assert_eq!(breached(&rows, &[]), Vec::<&str>::new());
}

/// Facts are kept for eight days: the first may be missing of what is older, and all of what has not
/// changed since.
///
/// row: I6
#[test]
fn only_facts_that_may_have_been_pruned_are_not_missed() {
    type Change = fn(&mut Rows);
    let born: fn(&mut Rows, TimeDelta) =
        |rows, ago| rows.things[0].created_at = Some(rows.read_at - ago);
    let changed: fn(&mut Rows, TimeDelta) = |rows, ago| rows.things[0].updated_at -= ago;
    let (first, all): (Change, Change) =
        (|rows| drop(rows.facts.remove(0)), |rows| rows.facts.clear());
    let last: Change = |rows| drop(rows.facts.pop());
    let (old, young) = (TimeDelta::days(9), TimeDelta::days(7));
    for (missing, created, updated, pruned, is_breach) in [
        (first, old, young, true, false),
        (first, old, young, false, true),
        (first, young, young, true, true),
        (all, old, old, true, false),
        (all, old, old, false, true),
        (all, old, young, true, true),
        (last, old, old, true, true),
    ] {
        let mut rows = sound();
        rows.pruned.extend(pruned.then_some("order"));
        born(&mut rows, created);
        changed(&mut rows, updated);
        missing(&mut rows);
        let found = breached(&rows, &[]) == ["I6"];
        assert_eq!(found, is_breach, "{:?} {:?}", rows.facts, rows.things);
    }
    let mut rows = sound();
    rows.pruned.insert("order");
    rows.things[0].created_at = None;
    rows.facts.remove(0);
    assert!(
        breached(&rows, &[]).is_empty(),
        "nobody knows how old it is"
    );
    rows.facts.remove(1);
    assert_eq!(breached(&rows, &[]), ["I6"]);
}

/// row: I8
#[test]
fn a_broken_promise_about_keys_is_found() {
    let first = told("k", "a", "ok", "{}");
    for (second, what) in [
        (told("k", "a", "ok", "{ }"), "other bytes"),
        (told("k", "a", "failed_precondition", "{}"), "other outcome"),
        (told("k", "b", "ok", "{}"), "other request accepted"),
        (told("l", "a", "ok", "{}"), "one order for two keys"),
    ] {
        assert_eq!(
            breached(&sound(), &[first.clone(), second]),
            ["I8"],
            "{what}"
        );
    }
    let mut rows = sound();
    rows.remembered[0].sealed = false;
    assert_eq!(breached(&rows, &[]), ["I8"]);
}

/// row: I9
#[test]
fn a_forgotten_answer_is_found() {
    let mut back = told("k", "a", "ok", "{}");
    back.status = Some("REJECTED".to_owned());
    assert_eq!(breached(&sound(), &[back]), ["I9"]);
    let mut gone = told("k", "a", "ok", "{}");
    gone.order_id = Some(Uuid::from_u128(9));
    assert_eq!(breached(&sound(), &[gone]), ["I3", "I9"]);
}

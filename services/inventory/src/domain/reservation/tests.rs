//! The core against a reference that is written the other way round: flags and sums
//! instead of states and moves.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::level::Counts;

/// Stock and reservations in memory, run by the core: what the store does with tables.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub levels: BTreeMap<Sku, Counts>,
    pub reservations: BTreeMap<OrderId, Reservation>,
}

impl Books {
    pub fn with_stock(stock: &[(&str, i64)]) -> Self {
        let mut books = Self::default();
        for (sku, pieces) in stock {
            let counts = Counts::default().adjust(*pieces).unwrap();
            books.levels.insert(Sku::new(*sku), counts);
        }
        books
    }

    /// Carries a demand out; the answer is the state it leaves, or why it was refused.
    pub fn run(
        &mut self,
        order: OrderId,
        demand: &Demand,
        now: DateTime<Utc>,
    ) -> Result<State, ReservationError> {
        let current = self.reservations.get(&order).cloned();
        let current = current.as_ref();
        let change = match plan(current, demand, now) {
            Decision::Keep => return Ok(current.map_or(State::Expired, |kept| kept.state.clone())),
            Decision::Refuse(refusal) => return Err(refusal),
            Decision::Change(change) => change,
        };
        let (change, refusal) = match self.apply(&change) {
            Ok(()) => (change, None),
            Err(short) => {
                let (change, refusal) = change.fall_short(short);
                (change, Some(refusal))
            }
        };
        let after = Reservation::after(order, current, change);
        let state = after.state.clone();
        self.reservations.insert(order, after);
        refusal.map_or(Ok(state), Err)
    }

    fn apply(&mut self, change: &Transition) -> Result<(), Vec<Shortage>> {
        let Some(transfer) = change.transfer else {
            return Ok(());
        };
        let mut levels = self.levels.clone();
        let mut short = Vec::new();
        for (sku, quantity) in change.items.iter() {
            let counts = levels.get(sku).copied().unwrap_or_default();
            match counts.transfer(transfer, *quantity) {
                Ok(counts) => drop(levels.insert(sku.clone(), counts)),
                Err(few) => short.push(Shortage {
                    sku: sku.clone(),
                    requested: *quantity,
                    available: few.left,
                }),
            }
        }
        if short.is_empty() {
            self.levels = levels;
            Ok(())
        } else {
            Err(short)
        }
    }
}

/// What the reference knows of an order.
#[derive(Clone, Debug, Default)]
struct Flags {
    asked: Items,
    held_until: Option<DateTime<Utc>>,
    sold: bool,
    released: bool,
    out_of_stock: bool,
    lost: bool,
}

#[derive(Clone, Debug, Default)]
struct Reference {
    received: BTreeMap<Sku, i64>,
    orders: BTreeMap<OrderId, Flags>,
}

impl Reference {
    fn in_use(&self, sku: &Sku) -> i64 {
        let uses = self
            .orders
            .values()
            .filter(|flags| flags.sold || flags.held_until.is_some());
        uses.flat_map(|flags| flags.asked.iter())
            .filter(|(other, _)| other == sku)
            .map(|(_, quantity)| i64::from(*quantity))
            .sum()
    }

    fn can_have(&self, items: &Items) -> bool {
        items.iter().all(|(sku, quantity)| {
            let received = self.received.get(sku).copied().unwrap_or(0);
            received - self.in_use(sku) >= i64::from(*quantity)
        })
    }

    /// Whether the demand is granted.
    fn run(&mut self, order: OrderId, demand: &Demand, now: DateTime<Utc>) -> bool {
        let mut flags = self.orders.get(&order).cloned().unwrap_or_default();
        let dead = flags.released || flags.out_of_stock || flags.lost;
        let granted = match demand {
            Demand::Reserve { items, until } => {
                let same = flags.asked.is_empty() || flags.asked == *items;
                if dead || !same {
                    false
                } else if flags.sold {
                    true
                } else if let Some(old) = flags.held_until {
                    flags.held_until = Some(if old <= now { *until } else { old });
                    true
                } else {
                    flags.asked = items.clone();
                    let granted = self.can_have(items);
                    flags.held_until = granted.then_some(*until);
                    flags.out_of_stock = !granted;
                    granted
                }
            }
            Demand::Commit => {
                let granted = !dead
                    && !flags.asked.is_empty()
                    && (flags.sold || flags.held_until.is_some() || self.can_have(&flags.asked));
                flags.lost = !granted && !dead && !flags.asked.is_empty();
                flags.sold = granted || flags.sold;
                flags.held_until = flags.held_until.filter(|_| !granted);
                flags.lost |= self.orders.get(&order).is_some_and(|before| before.lost);
                granted
            }
            Demand::Release(_) => {
                (flags.sold, flags.held_until, flags.released) = (false, None, true);
                true
            }
            Demand::Expire => {
                flags.held_until = flags.held_until.filter(|until| *until > now);
                true
            }
        };
        if !matches!(demand, Demand::Expire | Demand::Commit) || self.orders.contains_key(&order) {
            self.orders.insert(order, flags);
        }
        granted
    }
}

pub fn time(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

pub fn order(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(number))
}

/// Stock small enough to run out, orders few enough to meet again.
pub const STOCK: [(&str, i64); 3] = [("axe", 2), ("bell", 3), ("cup", 5)];

pub fn any_items() -> impl Strategy<Value = Items> {
    let names = prop::sample::select(&["axe", "bell", "cup", "unknown"][..]);
    let item = (names, 1..=3i32);
    prop::collection::vec(item, 1..4).prop_map(|list| {
        Items::collect(
            list.into_iter()
                .map(|(sku, pieces)| (Sku::new(sku), pieces)),
        )
        .unwrap()
    })
}

/// A demand for one of four orders, after some seconds have passed.
pub fn any_step() -> impl Strategy<Value = (OrderId, i64, StepDemand)> {
    let reason = prop::sample::select(
        &[
            ReleaseReason::Cancelled,
            ReleaseReason::PaymentFailed,
            ReleaseReason::Expired,
        ][..],
    );
    let demand = prop_oneof![
        5 => (any_items(), 1..30i64).prop_map(|(items, ttl)| StepDemand::Reserve(items, ttl)),
        4 => Just(StepDemand::Commit),
        2 => reason.prop_map(StepDemand::Release),
        2 => Just(StepDemand::Expire),
    ];
    ((1..=4u128).prop_map(order), 0..20i64, demand)
}

#[derive(Clone, Debug)]
pub enum StepDemand {
    Reserve(Items, i64),
    Commit,
    Release(ReleaseReason),
    Expire,
}

impl StepDemand {
    pub fn at(&self, now: DateTime<Utc>) -> Demand {
        match self {
            Self::Reserve(items, ttl) => Demand::Reserve {
                items: items.clone(),
                until: now + TimeDelta::seconds(*ttl),
            },
            Self::Commit => Demand::Commit,
            Self::Release(reason) => Demand::Release(*reason),
            Self::Expire => Demand::Expire,
        }
    }
}

fn sum_of(books: &Books, sku: &Sku, state: &State) -> i64 {
    let standing = books
        .reservations
        .values()
        .filter(|one| one.state == *state);
    standing
        .flat_map(|one| one.items.iter())
        .filter(|(other, _)| other == sku)
        .map(|(_, quantity)| i64::from(*quantity))
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// The core grants and refuses what the reference does, and after every step the books
    /// are those of the reservations.
    ///
    /// row: D12, I1, S-20
    #[test]
    fn the_core_agrees_with_the_reference(steps in prop::collection::vec(any_step(), 1..30)) {
        let mut books = Books::with_stock(&STOCK);
        let mut reference = Reference {
            received: STOCK.iter().map(|(sku, pieces)| (Sku::new(*sku), *pieces)).collect(),
            ..Reference::default()
        };
        let mut now = time(0);
        for (order, seconds, step) in steps {
            now += TimeDelta::seconds(seconds);
            let demand = step.at(now);
            let before = books.clone();
            let granted = books.run(order, &demand, now);
            prop_assert_eq!(granted.is_ok(), reference.run(order, &demand, now), "{:?}", granted);

            for (sku, counts) in &books.levels {
                prop_assert!(counts.balance());
                prop_assert_eq!(counts.reserved, sum_of(&books, sku, &State::Held));
                prop_assert_eq!(counts.committed, sum_of(&books, sku, &State::Committed));
            }
            // Versions are the facts, gap-free.
            let version = |books: &Books| books.reservations.get(&order).map_or(0, |one| one.version);
            let changed = before.reservations.get(&order) != books.reservations.get(&order);
            prop_assert_eq!(version(&books) - version(&before), i64::from(changed));

            // Twice is once.
            let again = books.clone();
            let answer = books.run(order, &demand, now);
            prop_assert_eq!(&answer, &granted);
            prop_assert_eq!(&books.levels, &again.levels);
            prop_assert_eq!(&books.reservations, &again.reservations);
        }
    }

    /// A release wins wherever it stands among the other demands of its order.
    ///
    /// row: D12
    #[test]
    fn nothing_is_held_after_a_release(
        items in any_items(),
        mut demands in prop::collection::vec(prop::bool::ANY, 0..8),
        at in 0..8usize,
    ) {
        let mut books = Books::with_stock(&STOCK);
        demands.insert(at.min(demands.len()), true);
        for (number, is_commit) in demands.iter().enumerate() {
            let demand = if number == at.min(demands.len() - 1) {
                Demand::Release(ReleaseReason::Cancelled)
            } else if *is_commit {
                Demand::Commit
            } else {
                Demand::Reserve { items: items.clone(), until: time(900) }
            };
            let _ = books.run(order(1), &demand, time(0));
        }
        let fresh = Books::with_stock(&STOCK);
        prop_assert_eq!(&books.levels, &fresh.levels);
        prop_assert_eq!(
            &books.reservations[&order(1)].state,
            &State::Released(ReleaseReason::Cancelled)
        );
    }
}

fn one(sku: &str, pieces: i32) -> Items {
    Items::collect([(Sku::new(sku), pieces)]).unwrap()
}

/// row: D12
#[test]
fn a_late_reserve_is_refused() {
    let mut books = Books::with_stock(&STOCK);
    let release = Demand::Release(ReleaseReason::Cancelled);
    books.run(order(1), &release, time(0)).unwrap();
    let reserve = Demand::Reserve {
        items: one("axe", 1),
        until: time(900),
    };
    assert_eq!(
        books.run(order(1), &reserve, time(1)),
        Err(ReservationError::Released)
    );
}

/// row: D12
#[test]
fn a_refusal_is_remembered_when_stock_comes_back() {
    let mut books = Books::with_stock(&STOCK);
    let reserve = Demand::Reserve {
        items: one("axe", 3),
        until: time(900),
    };
    let first = books.run(order(1), &reserve, time(0)).unwrap_err();
    let axe = books.levels.get_mut(&Sku::new("axe")).unwrap();
    *axe = axe.adjust(10).unwrap();
    assert_eq!(books.run(order(1), &reserve, time(1)), Err(first));
}

/// row: D12
#[test]
fn an_expired_hold_is_sold_to_others_and_cannot_be_committed_then() {
    let mut books = Books::with_stock(&STOCK);
    let reserve = |until| Demand::Reserve {
        items: one("axe", 2),
        until: time(until),
    };
    books.run(order(1), &reserve(900), time(0)).unwrap();
    books.run(order(1), &Demand::Expire, time(899)).unwrap();
    assert!(books.run(order(2), &reserve(1_800), time(899)).is_err());
    books.run(order(1), &Demand::Expire, time(900)).unwrap();
    books.run(order(3), &reserve(1_800), time(900)).unwrap();
    let lost = books.run(order(1), &Demand::Commit, time(901));
    assert!(
        matches!(lost, Err(ReservationError::Expired(_))),
        "{lost:?}"
    );
    books.run(order(3), &Demand::Commit, time(901)).unwrap();
}

/// row: D12
#[test]
fn an_expired_hold_is_committed_when_stock_is_still_there() {
    let mut books = Books::with_stock(&STOCK);
    let reserve = Demand::Reserve {
        items: one("cup", 2),
        until: time(900),
    };
    books.run(order(1), &reserve, time(0)).unwrap();
    books.run(order(1), &Demand::Expire, time(900)).unwrap();
    assert_eq!(
        books.run(order(1), &Demand::Commit, time(901)),
        Ok(State::Committed)
    );
    assert_eq!(books.levels[&Sku::new("cup")].committed, 2);
}

/// row: D9
#[test]
fn a_cancelled_sale_is_restocked() {
    let mut books = Books::with_stock(&STOCK);
    let reserve = Demand::Reserve {
        items: one("cup", 2),
        until: time(900),
    };
    books.run(order(1), &reserve, time(0)).unwrap();
    books.run(order(1), &Demand::Commit, time(1)).unwrap();
    books
        .run(
            order(1),
            &Demand::Release(ReleaseReason::Cancelled),
            time(2),
        )
        .unwrap();
    assert_eq!(books.levels, Books::with_stock(&STOCK).levels);
}

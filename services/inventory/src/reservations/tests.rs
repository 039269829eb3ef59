//! The pure core in memory against the same core over tables: same steps, same answers, same
//! books.

mod rivals;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clock::Manual;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::database::{self, TestDatabase};
use uuid::Uuid;

use super::*;
use crate::domain::item::Items;
use crate::domain::reservation::State;
use crate::domain::reservation::tests::{Books, STOCK, StepDemand, any_step, order};
use crate::lane::Lanes;

type Steps = Vec<(OrderId, i64, StepDemand)>;

/// The service over a database, for case after case: each has SKUs and orders of its own.
struct World {
    app: App,
    time: Manual,
    start: DateTime<Utc>,
    case: u32,
}

impl World {
    fn over(db: &TestDatabase) -> Self {
        let start = DateTime::UNIX_EPOCH;
        let (clock, time) = Manual::new(start);
        let app = App {
            config: Default::default(),
            db: db.database.clone(),
            clock,
            lanes: Lanes::new(),
            sweeping: Default::default(),
        };
        Self {
            app,
            time,
            start,
            case: 0,
        }
    }

    fn sku(&self, sku: &Sku) -> Sku {
        Sku::new(format!("{sku}-{}", self.case))
    }

    fn order(&self, order: OrderId) -> OrderId {
        OrderId(Uuid::from_u128(
            order.0.as_u128() + (u128::from(self.case) << 64),
        ))
    }

    fn demand(&self, demand: Demand) -> Demand {
        match demand {
            Demand::Reserve { items, until } => {
                let items = items
                    .iter()
                    .map(|(sku, quantity)| (self.sku(sku), quantity.pieces()));
                let items = Items::collect(items).expect("they were items before");
                Demand::Reserve { items, until }
            }
            other => other,
        }
    }

    /// Runs the steps on both, comparing after each.
    async fn run(&mut self, steps: &Steps) -> Result<(), TestCaseError> {
        self.case += 1;
        self.start += TimeDelta::days(1);
        self.time.set(self.start);
        let mut now = self.start;
        self.sweep_all().await;
        let mut books = Books::with_stock(&STOCK);
        let stock: Vec<_> = STOCK
            .iter()
            .map(|(sku, pieces)| (self.sku(&Sku::new(*sku)), *pieces))
            .collect();
        let txn = self.app.db.begin_write().await.unwrap();
        store::stock_level::insert_new(&txn, &stock, now)
            .await
            .unwrap();
        txn.commit().await.unwrap();

        for (order, seconds, step) in steps {
            let seconds = u64::try_from(*seconds).unwrap();
            self.time.advance(Duration::from_secs(seconds));
            now += Duration::from_secs(seconds);
            let demand = step.at(now);
            if demand == Demand::Expire {
                self.sweep_all().await;
                expire_all(&mut books, now);
                continue;
            }
            let expected = run_in_memory(&mut books, *order, &demand, now);
            let got = self.carry_out(*order, &demand).await;
            prop_assert_eq!(
                got.map_err(|refusal| self.plain(refusal)),
                expected,
                "{:?}",
                demand
            );
            self.compare(&books).await?;
        }
        Ok(())
    }

    async fn carry_out(&self, order: OrderId, demand: &Demand) -> Result<(), ReservationError> {
        let by = Demander {
            origin: Origin::internal("model"),
            user: None,
        };
        let demand = self.demand(demand.clone());
        let done = carry_out(&self.app, &by, self.order(order), &demand).await;
        match done {
            Ok(_) => Ok(()),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn sweep_all(&self) {
        sweep::all(self.app.clone()).await.unwrap();
    }

    async fn compare(&self, books: &Books) -> Result<(), TestCaseError> {
        let db = self.app.db.read();
        for (sku, counts) in &books.levels {
            let level = store::stock_level::find(db, &self.sku(sku))
                .await
                .unwrap()
                .unwrap();
            prop_assert_eq!(level.counts, *counts, "{}", sku);
        }
        for (order, expected) in &books.reservations {
            let kept = store::reservation::find(db, self.order(*order))
                .await
                .unwrap();
            let kept = kept.expect("a reservation");
            prop_assert_eq!(self.plain_state(kept.state), expected.state.clone());
            prop_assert_eq!(kept.version, expected.version);
            prop_assert_eq!(kept.expires_at, expected.expires_at);
        }
        Ok(())
    }

    /// Without the names of this case.
    fn plain_short(&self, short: Vec<Shortage>) -> Vec<Shortage> {
        let tail = format!("-{}", self.case);
        let plain = |sku: &Sku| Sku::new(sku.as_str().trim_end_matches(&tail));
        short
            .into_iter()
            .map(|one| Shortage {
                sku: plain(&one.sku),
                ..one
            })
            .collect()
    }

    fn plain(&self, refusal: ReservationError) -> ReservationError {
        match refusal {
            ReservationError::OutOfStock(short) => {
                ReservationError::OutOfStock(self.plain_short(short))
            }
            ReservationError::Expired(short) => ReservationError::Expired(self.plain_short(short)),
            other => other,
        }
    }

    fn plain_state(&self, state: State) -> State {
        match state {
            State::Short(short) => State::Short(self.plain_short(short)),
            State::Lost(short) => State::Lost(self.plain_short(short)),
            other => other,
        }
    }
}

/// As the service does it: who finds too little sweeps what is overdue, and tries again.
fn run_in_memory(
    books: &mut Books,
    order: OrderId,
    demand: &Demand,
    now: DateTime<Utc>,
) -> Result<(), ReservationError> {
    let mut tried = books.clone();
    let first = tried.run(order, demand, now);
    let fell_short = tried.reservations != books.reservations
        && matches!(
            first,
            Err(ReservationError::OutOfStock(_) | ReservationError::Expired(_))
        );
    let overdue = books
        .reservations
        .values()
        .any(|one| one.state == State::Held && one.is_overdue(now));
    if !(fell_short && overdue) {
        *books = tried;
        return first.map(drop);
    }
    expire_all(books, now);
    books.run(order, demand, now).map(drop)
}

fn expire_all(books: &mut Books, now: DateTime<Utc>) {
    for order in (1..=4).map(order) {
        books
            .run(order, &Demand::Expire, now)
            .expect("to expire is never refused");
    }
}

async fn agree(db: TestDatabase, cases: u32) {
    let runtime = tokio::runtime::Handle::current();
    let world = World::over(&db);
    let checked = tokio::task::spawn_blocking(move || {
        let world = std::sync::Mutex::new(world);
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new(config);
        runner.run(&prop::collection::vec(any_step(), 1..16), |steps| {
            let mut world = world
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            runtime.block_on(world.run(&steps))
        })
    });
    checked.await.unwrap().unwrap();
}

async fn migrate(db: &sql::Database) -> Result<Vec<String>, migrations::Error> {
    migrations::up(db, "inventory").await
}

/// row: D12, I1
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_agree_with_the_core_on_sqlite() {
    agree(database::sqlite("inventory", migrate).await, 500).await;
}

/// row: D12, I1
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_agree_with_the_core_on_postgres() {
    agree(database::postgres("inventory", migrate).await, 100).await;
}

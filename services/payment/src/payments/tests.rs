//! The pure core with a provider in memory against the same core over tables with the
//! sandbox: same steps, same payments, same books.

mod awaits;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;
use clock::Clock;
use money::Currency;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use testkit::database::{self, TestDatabase};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::*;
use crate::domain::id::PaymentKey;
use crate::domain::payment::tests::{Move, World, any_move, charge, order, refund};
use crate::provider::Sandbox;

/// The service over a database, for case after case: each has orders and keys of its own.
struct Tables {
    app: App,
    case: u32,
}

impl Tables {
    fn over(db: &TestDatabase) -> Self {
        let (clock, _) = clock::Manual::new(DateTime::UNIX_EPOCH);
        let sandbox = Sandbox::new(db.database.clone(), Clock::system(), Default::default());
        let app = App {
            db: db.database.clone(),
            clock,
            currency: Currency::parse("EUR").unwrap(),
            provider: Arc::new(sandbox),
            moving: TaskTracker::new(),
        };
        Self { app, case: 0 }
    }

    fn order(&self, number: u8) -> OrderId {
        OrderId(Uuid::from_u128(
            order(number).0.as_u128() + (u128::from(self.case) << 64),
        ))
    }

    fn key(&self, key: &PaymentKey) -> PaymentKey {
        PaymentKey::new(format!("{}-{}", self.case, key.as_str()))
    }

    fn charge(&self, number: u8, key: u8) -> Charge {
        let mut charge = charge(number, key);
        charge.order_id = self.order(number);
        charge.request.key = self.key(&charge.request.key);
        charge
    }

    fn refund(&self, number: u8, key: u8) -> RefundRequest {
        let mut refund = refund(number, key);
        refund.order_id = self.order(number);
        refund.key = self.key(&refund.key);
        refund
    }

    /// Runs the moves on both, comparing after each. A crash comes after the provider has
    /// acted and before its word is recorded.
    async fn run(&mut self, moves: &[Move]) -> Result<(), TestCaseError> {
        self.case += 1;
        let mut world = World::default();
        let mut crash = false;
        for one in moves {
            match one {
                Move::Crash => crash = true,
                Move::Advance(_) => crash = false,
                Move::Charge {
                    number,
                    key,
                    decline,
                } => {
                    world.start_charge(charge(*number, *key), *decline);
                    self.charge_here(self.charge(*number, *key), *decline, crash)
                        .await;
                    settle(&mut world, crash);
                }
                Move::Refund { number, key } => {
                    world.start_refund(refund(*number, *key));
                    self.refund_here(self.refund(*number, *key), crash).await;
                    settle(&mut world, crash);
                }
            }
            self.compare(&world).await?;
        }
        Ok(())
    }

    async fn charge_here(&self, charge: Charge, decline: bool, crash: bool) {
        let token = Token::new(if decline { "tok_declined" } else { "tok_ok" });
        if !crash {
            let done = super::charge(&self.app, Origin::internal("model"), charge, token);
            assert!(matches!(done.await, Ok(_) | Err(Error::Refused(_))));
            return;
        }
        let Charge {
            order_id,
            request,
            amount,
            ..
        } = &charge;
        let db = self.app.db.read();
        let met = store::payment::find_met(db, *order_id, &request.key)
            .await
            .unwrap();
        if Payment::plan_charge(met.as_ref(), &charge) == Ok(Plan::Ask) {
            let key = request.key.clone();
            let capture = Capture {
                key,
                order_id: *order_id,
                amount: *amount,
                token,
            };
            drop(self.app.provider.charge(capture).await);
        }
    }

    async fn refund_here(&self, request: RefundRequest, crash: bool) {
        if !crash {
            super::refund(&self.app, Origin::internal("model"), request)
                .await
                .unwrap();
            return;
        }
        let current =
            store::payment::find(self.app.db.read(), Scope::Everyone, request.order_id).await;
        if Payment::plan_refund(current.unwrap().as_ref()) == Plan::Ask {
            self.app
                .provider
                .refund(request.key, request.order_id)
                .await
                .unwrap();
        }
    }

    async fn compare(&self, world: &World) -> Result<(), TestCaseError> {
        for number in 1..=3 {
            let expected = world.payments.get(&order(number));
            let kept =
                store::payment::find(self.app.db.read(), Scope::Everyone, self.order(number)).await;
            let kept = kept.unwrap();
            let shape = |payment: &Payment| {
                let refunded = payment.refund.as_ref().map(|refund| refund.amount);
                let declined = payment.decline_reason.clone();
                (
                    payment.status(),
                    payment.amount,
                    refunded,
                    declined,
                    payment.version,
                )
            };
            prop_assert_eq!(
                kept.as_ref().map(shape),
                expected.map(shape),
                "order {}",
                number
            );
            prop_assert_eq!(self.booked(number).await, world.booked(order(number)));
        }
        Ok(())
    }

    /// What the books say was captured and refunded of an order.
    async fn booked(&self, number: u8) -> (i64, i64) {
        let db = self.app.db.read();
        let backend = db.get_database_backend();
        let parameter = if backend == DbBackend::Postgres {
            "$1"
        } else {
            "?"
        };
        let sql = format!(
            "select t.kind, e.minor_units from ledger_transactions t \
             join ledger_entries e on e.transaction_id = t.id \
             where t.order_id = {parameter} and e.minor_units > 0"
        );
        let order_id = self.order(number).0.into();
        let statement = Statement::from_sql_and_values(backend, sql, [order_id]);
        let mut booked = (0, 0);
        for row in db.query_all_raw(statement).await.unwrap() {
            let minor_units: i64 = row.try_get("", "minor_units").unwrap();
            match row.try_get::<String>("", "kind").unwrap().as_str() {
                "capture" => booked.0 += minor_units,
                _ => booked.1 += minor_units,
            }
        }
        booked
    }
}

/// Takes what has begun to its end, or only as far as the provider.
fn settle(world: &mut World, crash: bool) {
    if crash && !world.flights.is_empty() {
        world.advance(0);
        world.flights.clear();
    }
    while !world.flights.is_empty() {
        world.advance(0);
    }
}

async fn agree(db: TestDatabase, cases: u32) {
    let runtime = tokio::runtime::Handle::current();
    let tables = Tables::over(&db);
    let checked = tokio::task::spawn_blocking(move || {
        let tables = Mutex::new(tables);
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new(config);
        runner.run(&prop::collection::vec(any_move(), 1..24), |moves| {
            let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
            runtime.block_on(tables.run(&moves))
        })
    });
    checked.await.unwrap().unwrap();
}

async fn migrate(db: &sql::Database) -> Result<Vec<String>, migrations::Error> {
    migrations::up(db, "payment").await
}

/// row: D13, I2
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_agree_with_the_core_on_sqlite() {
    agree(database::sqlite("payment", migrate).await, 500).await;
}

/// row: D13, I2
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_agree_with_the_core_on_postgres() {
    agree(database::postgres("payment", migrate).await, 100).await;
}

//! Commands that die at each of their awaits, as when the process ends: the task that moves the money is not the
//! caller's, who may leave at any time.

use testkit::awaits::dies_at_each;
use testkit::{Engine, both_engines};

use super::*;

/// What each of these is about, in cents.
const AMOUNT: i64 = 101;

async fn tables(engine: Engine) -> (Tables, TestDatabase) {
    let db = database::on(engine, crate::NAME, migrate).await;
    (Tables::over(&db), db)
}

impl Tables {
    /// The same, for the orders and keys of another case.
    fn of(&self, number: u128) -> Self {
        let (app, case) = (self.app.clone(), u32::try_from(number).unwrap());
        Self { app, case }
    }

    async fn charged(&self, token: &str) -> Charged {
        let (origin, charge) = (Origin::internal("awaits"), self.charge(1, 1));
        let charged = charge_through(&self.app, &origin, &charge, Token::new(token)).await;
        charged.unwrap()
    }

    async fn refunded(&self) -> Refund {
        let (origin, request) = (Origin::internal("awaits"), self.refund(1, 1));
        let refunded = refund_through(&self.app, &origin, &request).await;
        refunded.unwrap()
    }

    /// What the books say was captured and refunded, the numbers of the facts, and how often the provider took
    /// money of anybody.
    async fn now(&self) -> ((i64, i64), Vec<i64>, usize) {
        let key = self.order(1).0;
        let sql = format!("select version from outbox where key = '{key}' order by position");
        let facts = self.rows(&sql).await.into_iter();
        let facts = facts.map(|row| row.try_get("", "version").unwrap());
        let sql = "select reference from sandbox_charges where transaction_id is not null";
        let taken = self.rows(sql).await.len();
        (self.booked(1).await, facts.collect(), taken)
    }

    async fn rows(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let db = self.app.db.read();
        let statement = Statement::from_string(db.get_database_backend(), sql);
        db.query_all_raw(statement).await.unwrap()
    }
}

/// row: R-01, D13, I2, I6
#[both_engines]
async fn money_is_taken_once(engine: Engine) {
    let (tables, _db) = tables(engine).await;
    let charge = async |number| tables.of(number).charged("tok_ok").await;
    let after = async |number, _| {
        let now = tables.of(number).now().await;
        assert_eq!(now, ((AMOUNT, 0), vec![1], number as usize));
    };
    dies_at_each(async |_| {}, charge, after).await;
}

/// row: R-01, D13, I2, I6
#[both_engines]
async fn a_card_is_declined_once(engine: Engine) {
    let (tables, _db) = tables(engine).await;
    let charge = async |number| tables.of(number).charged("tok_declined").await;
    let after = async |number, _| {
        assert_eq!(tables.of(number).now().await, ((0, 0), vec![1], 0));
    };
    dies_at_each(async |_| {}, charge, after).await;
}

/// row: R-01, D13, I2, I6
#[both_engines]
async fn money_is_given_back_once(engine: Engine) {
    let (tables, _db) = tables(engine).await;
    let charge = async |number| drop(tables.of(number).charged("tok_ok").await);
    let refund = async |number| tables.of(number).refunded().await;
    let after = async |number, _| {
        let now = tables.of(number).now().await;
        assert_eq!(now, ((AMOUNT, AMOUNT), vec![1, 2], number as usize));
    };
    dies_at_each(charge, refund, after).await;
}

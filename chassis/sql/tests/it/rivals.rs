//! Writers who want the same rows at the same time, on PostgreSQL: money that moves between accounts,
//! and pieces that are reserved.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IsolationLevel, RuntimeErr, Statement,
    TransactionTrait,
};
use sql::{Database, Fault, fault, retrying};
use testkit::Engine;

use crate::{on, read, set};

const WORKERS: usize = 8;
const ACCOUNTS: i64 = 100;
const SKUS: i64 = 50;
/// What each account and each SKU begins with.
const EACH: i64 = 1_000;
/// Attempts at one write: the first, and five more.
const ATTEMPTS_MAX: usize = 6;
/// Of so many writes one may find no way through.
const SURFACED_ONE_OF: usize = 1_000;

/// How it went for one worker, or for all.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    refused: usize,
    surfaced: usize,
    /// How many writes it took so many attempts.
    attempts: BTreeMap<usize, usize>,
    /// Attempts that were ended, by SQLSTATE.
    ended: BTreeMap<String, usize>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.done += other.done;
        self.refused += other.refused;
        self.surfaced += other.surfaced;
        for (attempts, count) in &other.attempts {
            *self.attempts.entry(*attempts).or_default() += count;
        }
        for (code, count) in &other.ended {
            *self.ended.entry(code.clone()).or_default() += count;
        }
    }
}

/// What a worker wants next.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Transfer { from: i64, to: i64, amount: i64 },
    Reserve { id: i64, sku: i64, pieces: i64 },
}

impl Wish {
    /// One kind after the other.
    fn draw(random: &mut StdRng, worker: usize, number: usize) -> Self {
        if number.is_multiple_of(2) {
            let from = random.random_range(0..ACCOUNTS);
            let further = random.random_range(1..ACCOUNTS);
            return Self::Transfer {
                from,
                to: (from + further) % ACCOUNTS,
                amount: random.random_range(1..=EACH),
            };
        }
        Self::Reserve {
            id: i64::try_from(worker * 1_000_000 + number).unwrap(),
            sku: random.random_range(0..SKUS),
            pieces: random.random_range(1..=3),
        }
    }

    /// False where there is too little.
    async fn grant(self, db: &Database) -> Result<bool, DbErr> {
        let txn = db.begin_write().await?;
        let granted = match self {
            Self::Transfer { from, to, amount } => transfer(&txn, from, to, amount).await?,
            Self::Reserve { id, sku, pieces } => reserve(&txn, id, sku, pieces).await?,
        };
        txn.commit().await.map(|()| granted)
    }
}

async fn transfer(
    txn: &impl ConnectionTrait,
    from: i64,
    to: i64,
    amount: i64,
) -> Result<bool, DbErr> {
    let balance = |id| format!("select balance from accounts where id = {id}");
    let there = number(txn, &balance(from)).await?;
    let other = number(txn, &balance(to)).await?;
    if there < amount {
        return Ok(false);
    }
    for (id, balance) in [(from, there - amount), (to, other + amount)] {
        let sql = format!("update accounts set balance = {balance} where id = {id}");
        txn.execute_unprepared(&sql).await?;
    }
    Ok(true)
}

async fn reserve(
    txn: &impl ConnectionTrait,
    id: i64,
    sku: i64,
    pieces: i64,
) -> Result<bool, DbErr> {
    let sql = format!("select available from stock where sku = {sku}");
    let left = number(txn, &sql).await? - pieces;
    if left < 0 {
        return Ok(false);
    }
    for sql in [
        format!("update stock set available = {left} where sku = {sku}"),
        format!("insert into reservations values ({id}, {sku}, {pieces})"),
    ] {
        txn.execute_unprepared(&sql).await?;
    }
    Ok(true)
}

async fn number(db: &impl ConnectionTrait, sql: &str) -> Result<i64, DbErr> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = db.query_one_raw(statement).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(sql.into()))?
        .try_get_by_index(0)
}

/// The SQLSTATE of an error.
fn state_of(error: &DbErr) -> String {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) =
        error
    else {
        return "none".to_owned();
    };
    let code = error.as_database_error().and_then(|error| error.code());
    code.map_or_else(|| "none".to_owned(), std::borrow::Cow::into_owned)
}

async fn work(db: Database, seed: u64, worker: usize, wishes: usize) -> Tally {
    let mut random = StdRng::seed_from_u64(seed.wrapping_add(worker as u64));
    let mut tally = Tally::default();
    for number in 0..wishes {
        let wish = Wish::draw(&mut random, worker, number);
        let (mut attempts, ended) = (0, Mutex::new(Vec::new()));
        let granted = retrying(|| {
            attempts += 1;
            let (db, ended) = (&db, &ended);
            async move {
                let outcome = wish.grant(db).await;
                ended
                    .lock()
                    .unwrap()
                    .extend(outcome.as_ref().err().map(state_of));
                outcome
            }
        });
        match granted.await {
            Ok(true) => tally.done += 1,
            Ok(false) => tally.refused += 1,
            Err(error) => {
                assert_eq!(fault(&error), Fault::Retry, "{error}");
                tally.surfaced += 1;
            }
        }
        *tally.attempts.entry(attempts).or_default() += 1;
        for state in ended.into_inner().unwrap() {
            *tally.ended.entry(state).or_default() += 1;
        }
    }
    tally
}

/// Eight workers of two replicas, each with so many wishes; the books must balance after it.
async fn rivals(wishes: usize) {
    let db = on(Engine::Postgres).await;
    let replica = db.open().await;
    let txn = db.begin_write().await.unwrap();
    for sql in [
        "create table accounts (id bigint primary key, balance bigint not null)".to_owned(),
        "create table stock (sku bigint primary key, available bigint not null)".to_owned(),
        "create table reservations (id bigint primary key, sku bigint not null, \
         pieces bigint not null)"
            .to_owned(),
        format!("insert into accounts select n, {EACH} from generate_series(0, {ACCOUNTS} - 1) n"),
        format!("insert into stock select n, {EACH} from generate_series(0, {SKUS} - 1) n"),
    ] {
        txn.execute_unprepared(&sql).await.unwrap();
    }
    txn.commit().await.unwrap();

    let seed = u64::from_be_bytes(clock::Clock::system().random());
    let begun = Instant::now();
    let workers = (0..WORKERS).map(|worker| {
        let db = if worker.is_multiple_of(2) {
            &db.database
        } else {
            &replica
        };
        tokio::spawn(work(db.clone(), seed, worker, wishes))
    });
    let mut all = Tally::default();
    for tally in join_all(workers).await {
        all.add(&tally.unwrap());
    }
    println!(
        "seed {seed}, {WORKERS} × {wishes} in {:?}: {all:?}",
        begun.elapsed()
    );
    assert_eq!(all.done + all.refused + all.surfaced, WORKERS * wishes);
    assert!(
        all.attempts
            .keys()
            .all(|attempts| *attempts <= ATTEMPTS_MAX)
    );
    let others: usize = all.ended.values().sum();
    let rivals = ["40001", "40P01"].map(|state| all.ended.get(state).copied().unwrap_or_default());
    assert_eq!(
        others,
        rivals.iter().sum::<usize>(),
        "ended by something else"
    );
    assert!(others > 0, "nobody was in anybody's way");
    assert!(
        all.surfaced * SURFACED_ONE_OF <= WORKERS * wishes,
        "{} of {} writes found no way through",
        all.surfaced,
        WORKERS * wishes
    );

    let wrong = "select (select count(*) from accounts where balance < 0) \
        + (select count(*) from stock where available < 0 or available + coalesce((select \
        sum(pieces) from reservations where reservations.sku = stock.sku), 0) <> ";
    let wrong = format!("{wrong}{EACH})");
    assert_eq!(
        number(db.read(), &wrong).await.unwrap(),
        0,
        "oversold or overdrawn"
    );
    let sum = "select sum(balance)::bigint from accounts";
    assert_eq!(
        number(db.read(), sum).await.unwrap(),
        ACCOUNTS * EACH,
        "money was made or lost"
    );
    replica.close().await.unwrap();
}

/// row: R-10, I1, I2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rivals_retry_and_neither_money_nor_pieces_are_lost() {
    rivals(250).await;
}

/// row: R-10, I1, I2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute or more: just full"]
async fn at_full_size_rivals_retry_and_neither_money_nor_pieces_are_lost() {
    rivals(10_000).await;
}

/// Two transactions that both read what both write parts of; whether both could commit.
async fn skew(db: &DatabaseConnection, level: IsolationLevel) -> bool {
    let begin = async || db.begin_with_config(Some(level), None).await.unwrap();
    let (one, two) = (begin().await, begin().await);
    for txn in [&one, &two] {
        let sum = read(txn, "a").await.unwrap() + read(txn, "b").await.unwrap();
        assert_eq!(sum, 100, "each finds enough to take all of it");
    }
    set(&one, "a", -50).await.unwrap();
    let second = set(&two, "b", -50).await;
    let first = one.commit().await;
    first.is_ok() && second.is_ok() && two.commit().await.is_ok()
}

/// What the library's own level would let through, and the level of `begin_write` does not.
///
/// row: R-10
#[tokio::test]
async fn write_skew_passes_under_repeatable_read_and_not_under_serializable() {
    let db = on(Engine::Postgres).await;
    let url = secrecy::ExposeSecret::expose_secret(&db.config().url);
    let pool = sea_orm::Database::connect(url).await.unwrap();
    for (level, passes) in [
        (IsolationLevel::RepeatableRead, true),
        (IsolationLevel::Serializable, false),
    ] {
        for name in ["a", "b"] {
            set(&pool, name, 50).await.unwrap();
        }
        assert_eq!(skew(&pool, level).await, passes, "{level:?}");
    }
    pool.close().await.unwrap();
}

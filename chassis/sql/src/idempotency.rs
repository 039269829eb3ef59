//! Records that make a repeated request have one effect and one answer.
//!
//! A key is claimed in the transaction of the effect, so an attempt that rolls back leaves no
//! record, and sealed with the answer's bytes before they are sent. The table is
//! [`crate::schema::idempotency_keys`]. Two that claim one key at once: the second waits, then
//! fails with [`crate::Fault::Retry`] on PostgreSQL and finds the record when it tries again.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{
    self, Asterisk, Expr, ExprTrait, Func, Iden, InsertStatement, OnConflict, Query,
    SelectStatement, SimpleExpr, UpdateStatement,
};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};

use crate::{Database, Engine, Transaction, retrying, sweep};

/// How long a record is kept; a later request with its key is a new one.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// More records than this are not counted one by one.
const COUNTED_MAX: u64 = 1_000_000;

#[derive(Iden, Clone, Copy)]
pub(crate) enum Column {
    #[iden = "idempotency_keys"]
    Table,
    Subject,
    Method,
    Key,
    RequestHash,
    Answer,
    At,
}

/// Who asks for what, under which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The caller: one caller's keys mean nothing to another.
    pub subject: String,
    /// The rpc.
    pub method: &'static str,
    /// What the caller sent, 1 to 255 characters.
    pub key: String,
    /// SHA-256 of the encoded request.
    pub request_hash: [u8; 32],
}

/// What a claim found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody came before: do it, then [`seal`].
    New,
    /// It was done; these are the bytes of its answer.
    Replay(Vec<u8>),
    /// It was accepted then, and its answer is still to come.
    Pending(DateTime<Utc>),
}

/// Why a claim failed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The key stands for another request.
    #[error("the idempotency key was used for another request")]
    Mismatch,
    /// The database failed.
    #[error("the idempotency key could not be claimed")]
    Db(#[from] DbErr),
}

/// Claims `key`; without one everything is new.
///
/// # Errors
/// [`ClaimError::Mismatch`] when the key was used for another request.
pub async fn claim(
    txn: &Transaction,
    key: Option<&Key>,
    now: DateTime<Utc>,
) -> Result<Claim, ClaimError> {
    let Some(key) = key else {
        return Ok(Claim::New);
    };
    if txn.execute(&claiming(key, now)).await?.rows_affected() == 1 {
        return Ok(Claim::New);
    }
    found(txn, key, now).await
}

/// As [`claim`], deferred to the commit, which fails with [`DbErr::RecordNotUpdated`] if anybody came before: for keys
/// that are most likely new. What is deferred sees nothing of what is deferred with it, so it is sealed by a later
/// transaction.
///
/// # Errors
/// The database failed.
pub async fn claim_with_commit(
    txn: &Transaction,
    key: Option<&Key>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let Some(key) = key else { return Ok(()) };
    txn.defer_required(&claiming(key, now)).await
}

fn claiming(key: &Key, now: DateTime<Utc>) -> InsertStatement {
    let mut insert = Query::insert();
    insert
        .into_table(Column::Table)
        .columns([
            Column::Subject,
            Column::Method,
            Column::Key,
            Column::RequestHash,
            Column::At,
        ])
        .values_panic([
            key.subject.as_str().into(),
            key.method.into(),
            key.key.as_str().into(),
            key.request_hash.to_vec().into(),
            now.into(),
        ])
        .on_conflict(
            OnConflict::columns([Column::Subject, Column::Method, Column::Key])
                .do_nothing()
                .to_owned(),
        );
    insert
}

/// Tells what a claim of `key` would find, claiming nothing; `None` when nobody came before. It
/// spares the work that precedes a claim; only the claim itself decides.
///
/// # Errors
/// [`ClaimError::Mismatch`] when the key was used for another request.
pub async fn look(
    db: &impl ConnectionTrait,
    key: &Key,
    now: DateTime<Utc>,
) -> Result<Option<Claim>, ClaimError> {
    let Some(row) = db.query_one(&select(key)).await? else {
        return Ok(None);
    };
    read(&row, key, now)
}

/// Reads a record; `None` when it has expired.
fn read(row: &QueryResult, key: &Key, now: DateTime<Utc>) -> Result<Option<Claim>, ClaimError> {
    let at: DateTime<Utc> = row.try_get("", "at")?;
    if at <= now - KEPT {
        return Ok(None);
    }
    let request_hash: Vec<u8> = row.try_get("", "request_hash")?;
    if request_hash != key.request_hash {
        return Err(ClaimError::Mismatch);
    }
    let answer: Option<Vec<u8>> = row.try_get("", "answer")?;
    Ok(Some(answer.map_or(Claim::Pending(at), Claim::Replay)))
}

/// Reads the record that stood in the way.
async fn found(txn: &Transaction, key: &Key, now: DateTime<Utc>) -> Result<Claim, ClaimError> {
    let row = txn.query_one(&select(key)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("idempotency record".into()))?;
    match read(&row, key, now)? {
        Some(claim) => Ok(claim),
        None => {
            renew(txn, key, now).await?;
            Ok(Claim::New)
        }
    }
}

/// Stores the answer that every repetition gets, of what claimed the key at `claimed`. It replaces nothing: a claim is
/// sealed once. Whoever claimed the key anew, after it had expired, gets no answer of an earlier claim.
///
/// # Errors
/// [`DbErr::RecordNotUpdated`] when the key was not claimed then, or is sealed already.
pub async fn seal(
    txn: &Transaction,
    key: Option<&Key>,
    claimed: DateTime<Utc>,
    answer: &[u8],
) -> Result<(), DbErr> {
    let Some(key) = key else { return Ok(()) };
    let sealed = txn.execute(&sealing(key, claimed, answer)).await?;
    match sealed.rows_affected() {
        1 => Ok(()),
        _ => Err(DbErr::RecordNotUpdated),
    }
}

/// As [`seal`], deferred to the commit, which fails where that would.
///
/// # Errors
/// The database failed.
pub async fn seal_with_commit(
    txn: &Transaction,
    key: Option<&Key>,
    claimed: DateTime<Utc>,
    answer: &[u8],
) -> Result<(), DbErr> {
    let Some(key) = key else { return Ok(()) };
    txn.defer_required(&sealing(key, claimed, answer)).await
}

/// As [`seal_with_commit`], where somebody else may have sealed the claim: then it stays as it is.
///
/// # Errors
/// The database failed.
pub async fn seal_if_pending(
    txn: &Transaction,
    key: Option<&Key>,
    claimed: DateTime<Utc>,
    answer: &[u8],
) -> Result<(), DbErr> {
    let Some(key) = key else { return Ok(()) };
    txn.defer(&sealing(key, claimed, answer)).await
}

/// The time stays that of the claim: PostgreSQL rewrites a row in place only while no index
/// changes, and whoever writes an index meets all who read it.
fn sealing(key: &Key, claimed: DateTime<Utc>, answer: &[u8]) -> UpdateStatement {
    Query::update()
        .table(Column::Table)
        .value(Column::Answer, answer)
        .and_where(same(key))
        .and_where(claimed_at(claimed))
        .and_where(Expr::col(Column::Answer).is_null())
        .to_owned()
}

/// Compares what no index is made of: by that of the times, PostgreSQL would find the row in the very page that every
/// new claim is written to, and the two would be in each other's way. (PostgreSQL 18 leaves this `coalesce` as it is.)
fn claimed_at(claimed: DateTime<Utc>) -> SimpleExpr {
    let at = || Expr::col(Column::At);
    Expr::expr(Func::coalesce([at(), at()])).eq(claimed)
}

/// Returns the answer to what claimed the key at `claimed`, once it is sealed.
///
/// # Errors
/// The database failed.
pub async fn answer(
    db: &impl ConnectionTrait,
    key: &Key,
    claimed: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, DbErr> {
    let mut sealed = select(key);
    sealed.and_where(claimed_at(claimed));
    match db.query_one(&sealed).await? {
        Some(row) => row.try_get("", "answer"),
        None => Ok(None),
    }
}

/// Deletes the records from `before` and earlier, and returns how many they were.
///
/// # Errors
/// The database failed; what was deleted stays so.
pub async fn prune(db: &Database, before: DateTime<Utc>) -> Result<u64, DbErr> {
    sweep::in_batches(|| retrying(|| prune_once(db, before))).await
}

async fn prune_once(db: &Database, before: DateTime<Utc>) -> Result<u64, DbErr> {
    let identity = [Column::Subject, Column::Method, Column::Key];
    let is_old = || Expr::col(Column::At).lte(before);
    let mut old = Query::select();
    old.columns(identity)
        .from(Column::Table)
        .and_where(is_old())
        .limit(sweep::BATCH);
    let mut delete = Query::delete();
    delete
        .from_table(Column::Table)
        .and_where(Expr::tuple(identity.map(SimpleExpr::column)).in_subquery(old))
        .and_where(is_old()); // said of the row itself: its key may be claimed anew meanwhile
    let txn = sweep::begin(db).await?;
    let deleted = txn.execute(&delete).await?.rows_affected();
    txn.commit().await?;
    Ok(deleted)
}

/// Sets the gauge of the records: PostgreSQL's estimate where it has one, else a count that ends at
/// a million.
///
/// # Errors
/// The database failed.
pub async fn measure(db: &Database) -> Result<(), DbErr> {
    let estimate = match db.engine() {
        Engine::Postgres => estimated(db.read()).await?,
        Engine::Sqlite => None,
    };
    let rows = match estimate {
        Some(rows) => rows,
        None => counted(db.read()).await?,
    };
    let gauge = metrics::gauge!("idempotency_rows", "service" => db.service());
    gauge.set(u32::try_from(rows).unwrap_or(u32::MAX));
    Ok(())
}

/// What PostgreSQL found when it last looked; none before it looked for the first time.
async fn estimated(db: &impl ConnectionTrait) -> Result<Option<i64>, DbErr> {
    let sql = "select reltuples::bigint as rows from pg_class
        where oid = 'idempotency_keys'::regclass and reltuples >= 0";
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?;
    row.map(|row| row.try_get("", "rows")).transpose()
}

async fn counted(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let some = Query::select()
        .column(Column::At)
        .from(Column::Table)
        .limit(COUNTED_MAX)
        .to_owned();
    let count = Query::select()
        .expr_as(Func::count(Expr::col(Asterisk)), "rows")
        .from_subquery(some, "some")
        .to_owned();
    let row = db.query_one(&count).await?;
    row.map_or(Ok(0), |row| row.try_get("", "rows"))
}

/// Makes an expired record a fresh claim.
async fn renew(txn: &Transaction, key: &Key, now: DateTime<Utc>) -> Result<(), DbErr> {
    let mut update = Query::update();
    update
        .table(Column::Table)
        .value(Column::RequestHash, key.request_hash.to_vec())
        .value(Column::Answer, Option::<Vec<u8>>::None)
        .value(Column::At, now)
        .and_where(same(key));
    txn.execute(&update).await.map(drop)
}

fn select(key: &Key) -> SelectStatement {
    Query::select()
        .columns([Column::RequestHash, Column::Answer, Column::At])
        .from(Column::Table)
        .and_where(same(key))
        .to_owned()
}

fn same(key: &Key) -> SimpleExpr {
    Expr::col(Column::Subject)
        .eq(key.subject.as_str())
        .and(Expr::col(Column::Method).eq(key.method))
        .and(Expr::col(Column::Key).eq(key.key.as_str()))
}

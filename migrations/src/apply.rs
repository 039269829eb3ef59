//! Makes the changes of a list, or takes them back.
//!
//! On SQLite all that is missing happens in one transaction, whose beginning is the lock. On
//! PostgreSQL each change is whole by itself, all under one lock of the session: indexes are
//! built outside any transaction, and no table is held for longer than one change takes.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::SchemaManager;
use sql::{Database, retrying, retrying_until};
use tokio::time::{Instant, sleep, timeout};

use crate::change::{Change, Work};
use crate::session::LockSession;
use crate::state::{SchemaState, compare};
use crate::{Error, bookkeeping};

/// The key of PostgreSQL's lock that one migrating process holds, in each database.
pub const LOCK: i64 = 0x0073_746f_615f_6462;

/// How often a lock that another holds is asked for.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How long the locks of one change may be held on PostgreSQL: as long as one statement.
const HELD_MAX: Duration = Duration::from_secs(5);
/// The same for the server, where it knows of that (since 17): who gives up here cannot tell it
/// before the statement under way has ended.
const HELD_MAX_THERE: &str = "select set_config('transaction_timeout', '5s', true) \
     from pg_settings where name = 'transaction_timeout'";
/// How long a change tries to get at a table that others are using, a moment at a time.
const TRIED_MAX: Duration = Duration::from_secs(60);

/// Makes what is missing; the names of it. `wait` is how long another may be at it.
pub(crate) async fn up(
    db: &Database,
    changes: &[Change],
    wait: Duration,
) -> Result<Vec<String>, Error> {
    let failed = |source| Error::db(db, source);
    let Some(session) = LockSession::open(db) else {
        return up_at_once(db, changes).await;
    };
    let made = async {
        lock(db, &session, wait).await?;
        up_one_by_one(db, &session, changes).await
    };
    let made = made.await;
    session.close().await.map_err(failed)?;
    made
}

/// Takes everything back, in one transaction.
pub(crate) async fn down(db: &Database, changes: &[Change], wait: Duration) -> Result<(), Error> {
    let session = LockSession::open(db);
    if let Some(session) = &session {
        lock(db, session, wait).await?;
    }
    let failed = |source| Error::db(db, source);
    let down = retrying(|| down_at_once(db, changes)).await;
    if let Some(session) = session {
        session.close().await.map_err(failed)?;
    }
    down
}

async fn down_at_once(db: &Database, changes: &[Change]) -> Result<(), Error> {
    let failed = |source| Error::db(db, source);
    let connection = db.schema_connection();
    let txn = begin(&connection).await.map_err(failed)?;
    let applied = bookkeeping::applied(&txn).await.map_err(failed)?;
    if let SchemaState::Ahead(newer) | SchemaState::Incompatible(newer) = compare(changes, &applied)
    {
        return Err(Error::newer(db, newer));
    }
    let back = async {
        for change in changes.iter().rev() {
            if applied.iter().any(|there| there.name == change.name()) {
                change.take_back(&SchemaManager::new(&txn)).await?;
                bookkeeping::remove(&txn, change).await?;
            }
        }
        txn.commit().await?;
        connection.close().await
    };
    back.await.map_err(failed)
}

/// Begins a transaction that writes; on SQLite that is the lock.
async fn begin(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    connection.begin_with_options(options).await
}

/// Asks until the lock is free. Nothing is held meanwhile, no snapshot either: whoever has the
/// lock may be building an index, which waits for those of all others.
async fn lock(db: &Database, session: &LockSession, wait: Duration) -> Result<(), Error> {
    let until = Instant::now() + wait;
    while !session
        .try_lock(LOCK)
        .await
        .map_err(|source| Error::db(db, source))?
    {
        if Instant::now() >= until {
            return Err(Error::locked(db, wait));
        }
        sleep(ASK_EVERY).await;
    }
    Ok(())
}

async fn up_at_once(db: &Database, changes: &[Change]) -> Result<Vec<String>, Error> {
    let failed = |source| Error::db(db, source);
    let attempt = async || {
        let connection = db.schema_connection();
        let txn = begin(&connection).await.map_err(failed)?;
        let applied = bookkeeping::applied(&txn).await.map_err(failed)?;
        let missing = missing(db, compare(changes, &applied))?;
        let make = async {
            if !missing.is_empty() {
                bookkeeping::prepare(&txn).await?;
            }
            for change in of(changes, &missing) {
                change.make(&SchemaManager::new(&txn)).await?;
                bookkeeping::add(&txn, change).await?;
            }
            txn.commit().await?;
            connection.close().await
        };
        make.await.map_err(failed)?;
        Ok(missing)
    };
    retrying(attempt).await
}

async fn up_one_by_one(
    db: &Database,
    session: &LockSession,
    changes: &[Change],
) -> Result<Vec<String>, Error> {
    let failed = |source| Error::db(db, source);
    let applied = bookkeeping::applied(session.connection()).await;
    let missing = missing(db, compare(changes, &applied.map_err(failed)?))?;
    for change in of(changes, &missing) {
        if let Work::Index(index) = &change.work {
            let build = async || index.build(session).await;
            retrying(build).await.map_err(failed)?;
        }
        let attempt = async || {
            let begun = Instant::now();
            match timeout(HELD_MAX, up_whole(session, change)).await {
                Ok(Ok(true)) => Ok(()),
                Ok(Ok(false)) => Err(Error::locked(db, Duration::ZERO)),
                Ok(Err(error)) if begun.elapsed() < HELD_MAX => Err(failed(error)),
                Ok(Err(_)) | Err(_) => Err(Error::slow(db, change)),
            }
        };
        retrying_until(Instant::now() + TRIED_MAX, attempt).await?;
    }
    Ok(missing)
}

/// One change and its note, in one transaction; `false` when another migrates by now. An index is
/// built already.
async fn up_whole(session: &LockSession, change: &Change) -> Result<bool, DbErr> {
    let Some(txn) = session.begin_locked(LOCK).await? else {
        return Ok(false);
    };
    txn.execute_unprepared(HELD_MAX_THERE).await?;
    bookkeeping::prepare(&txn).await?;
    if matches!(change.work, Work::Statements(_)) {
        change.make(&SchemaManager::new(&txn)).await?;
    }
    bookkeeping::add(&txn, change).await?;
    txn.commit().await?;
    Ok(true)
}

/// What is to be made.
fn missing(db: &Database, state: SchemaState) -> Result<Vec<String>, Error> {
    match state {
        SchemaState::Behind(missing) => Ok(missing),
        SchemaState::Current | SchemaState::Ahead(_) => Ok(Vec::new()),
        SchemaState::Incompatible(newer) => Err(Error::newer(db, newer)),
    }
}

fn of<'a>(changes: &'a [Change], names: &'a [String]) -> impl Iterator<Item = &'a Change> {
    let named = |change: &&Change| names.iter().any(|name| name == change.name());
    changes.iter().filter(named)
}

//! A transaction that may write.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sea_query::QueryStatementBuilder;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::{OnceCell, watch};

use crate::batch::Batch;

/// Takes the write lock at once on SQLite; PostgreSQL's isolation stands on its connections.
const WRITE: TransactionOptions = TransactionOptions {
    isolation_level: None,
    access_mode: None,
    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
};

/// A transaction that may write; dropping it rolls back.
///
/// A statement whose error is swallowed poisons it: on PostgreSQL its commit then answers well
/// and stores nothing. Use `on conflict do nothing`, or give up the attempt.
pub struct Transaction {
    writer: DatabaseConnection,
    /// Empty until the first statement on PostgreSQL: one whose writes are all deferred is a
    /// single statement there, which needs neither a begin nor a commit.
    begun: OnceCell<DatabaseTransaction>,
    deferred: Mutex<Batch>,
    announced: AtomicBool,
    committed: watch::Sender<u64>,
    meter: Meter,
}

/// Counts how the transaction ended, and how long it was open.
struct Meter {
    service: &'static str,
    begun: Instant,
    stored: bool,
}

impl Transaction {
    pub(crate) async fn begin(
        writer: DatabaseConnection,
        service: &'static str,
        committed: watch::Sender<u64>,
    ) -> Result<Self, DbErr> {
        let meter = Meter {
            service,
            begun: Instant::now(),
            stored: false,
        };
        let backend = writer.get_database_backend();
        let transaction = Self {
            writer,
            begun: OnceCell::new(),
            deferred: Mutex::new(Batch::new(backend)),
            announced: AtomicBool::new(false),
            committed,
            meter,
        };
        if backend == DbBackend::Sqlite {
            transaction.begun().await?;
        }
        Ok(transaction)
    }

    async fn begun(&self) -> Result<&DatabaseTransaction, DbErr> {
        self.begun
            .get_or_try_init(|| self.writer.begin_with_options(WRITE))
            .await
    }

    /// Asks that the commit wake those who follow [`crate::Database::committed`].
    pub fn announce(&self) {
        self.announced.store(true, Ordering::Relaxed);
    }

    /// Whether the commit wakes them.
    pub fn is_announced(&self) -> bool {
        self.announced.load(Ordering::Relaxed)
    }

    /// Adds a write whose outcome nobody waits for. It is sent, with others of its kind in one
    /// round trip, before the next statement that somebody waits for, or with the commit; its
    /// error is the error of that.
    ///
    /// Of two writes that are deferred together neither sees what the other did, and PostgreSQL
    /// says not which comes first: they must not touch the same row.
    ///
    /// # Errors
    /// That of a write deferred before.
    pub async fn defer(&self, write: &impl QueryStatementBuilder) -> Result<(), DbErr> {
        self.defer_any(write, false).await
    }

    /// As [`Transaction::defer`], for a write that must touch a row: if it touches none, the
    /// commit fails with [`DbErr::RecordNotUpdated`] and nothing is stored.
    ///
    /// # Errors
    /// That of a write deferred before.
    pub async fn defer_required(&self, write: &impl QueryStatementBuilder) -> Result<(), DbErr> {
        self.defer_any(write, true).await
    }

    async fn defer_any(
        &self,
        write: &impl QueryStatementBuilder,
        required: bool,
    ) -> Result<(), DbErr> {
        let full = {
            let mut deferred = self.deferred();
            deferred.add(write, required);
            deferred.is_full()
        };
        if full {
            self.caught_up().await?;
        }
        Ok(())
    }

    fn deferred(&self) -> MutexGuard<'_, Batch> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_deferred(&self) -> Batch {
        let empty = Batch::new(self.writer.get_database_backend());
        std::mem::replace(&mut *self.deferred(), empty)
    }

    /// Returns the library's transaction, with everything deferred sent.
    ///
    /// # Errors
    /// No connection came free in time, or a deferred write failed.
    pub async fn caught_up(&self) -> Result<&DatabaseTransaction, DbErr> {
        let begun = self.begun().await?;
        self.take_deferred().send(begun).await?;
        Ok(begun)
    }

    /// Stores everything, durably.
    ///
    /// # Errors
    /// [`crate::Fault::Retry`] when PostgreSQL finds only now that two transactions cannot both
    /// have happened; the error of a deferred write.
    pub async fn commit(mut self) -> Result<(), DbErr> {
        let deferred = self.take_deferred();
        match self.begun.take() {
            Some(begun) => {
                deferred.send(&begun).await?;
                begun.commit().await?;
            }
            None => deferred.send(&self.writer).await?,
        }
        self.meter.stored = true;
        if self.announced.into_inner() {
            self.committed.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// The connection was lost, which forgets everything too.
    pub async fn rollback(mut self) -> Result<(), DbErr> {
        match self.begun.take() {
            Some(begun) => begun.rollback().await,
            None => Ok(()),
        }
    }

    /// Returns the name of the service whose rows these are.
    pub fn service(&self) -> &'static str {
        self.meter.service
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let open = self.begun.elapsed();
        metrics::histogram!("store_write_duration_seconds", "service" => self.service).record(open);
        if self.stored {
            metrics::counter!("store_commits_total", "service" => self.service).increment(1);
        } else {
            metrics::counter!("store_rollbacks_total", "service" => self.service).increment(1);
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("service", &self.service())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.caught_up().await?.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.caught_up().await?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.caught_up().await?.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.caught_up().await?.query_all_raw(statement).await
    }
}

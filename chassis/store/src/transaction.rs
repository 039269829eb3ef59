//! A transaction that may write.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use tokio::sync::watch;

/// A transaction that may write; dropping it rolls back.
///
/// A statement whose error is swallowed poisons it: on PostgreSQL its commit then answers well
/// and stores nothing. Use `on conflict do nothing`, or give up the attempt.
pub struct Transaction {
    inner: DatabaseTransaction,
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
    pub(crate) fn new(
        inner: DatabaseTransaction,
        service: &'static str,
        committed: watch::Sender<u64>,
    ) -> Self {
        let meter = Meter {
            service,
            begun: Instant::now(),
            stored: false,
        };
        Self {
            inner,
            announced: AtomicBool::new(false),
            committed,
            meter,
        }
    }

    /// Asks that the commit wake those who follow [`crate::Database::committed`].
    pub fn announce(&self) {
        self.announced.store(true, Ordering::Relaxed);
    }

    /// Stores everything, durably.
    ///
    /// # Errors
    /// [`crate::Fault::Retry`] when PostgreSQL finds only now that two transactions cannot both
    /// have happened.
    pub async fn commit(mut self) -> Result<(), DbErr> {
        self.inner.commit().await?;
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
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }

    /// Returns the name of the service whose rows these are.
    pub(crate) fn service(&self) -> &'static str {
        self.meter.service
    }

    /// Returns the library's transaction, for the migrator, which takes no other.
    pub fn inner(&self) -> &DatabaseTransaction {
        &self.inner
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
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(statement).await
    }
}

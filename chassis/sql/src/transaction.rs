//! A transaction that may write.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sea_query::QueryStatementBuilder;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::batch::Batch;
use crate::connection::{Connection, count_commit};
use crate::pinned::{Lease, Pinned};
use crate::reader::Reader;
use crate::turns::{Turn, Turns};

/// Where transactions that write begin.
#[derive(Clone, Debug)]
pub(crate) enum Writer {
    /// The file's one writer, whose commits are shared.
    Sqlite(Turns),
    /// Connections of which each has a transaction of its own.
    Postgres(Pinned),
}

impl Writer {
    fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }
}

/// What keeps a transaction apart from others on PostgreSQL; SQLite has one writer at a time.
#[derive(Clone, Debug)]
pub(crate) enum Apart {
    /// The server: SERIALIZABLE.
    Serializable,
    /// What it writes, see [`crate::Database::begin_guarded`]: READ COMMITTED is enough, and it may read elsewhere.
    Guarded(Reader),
}

/// What a transaction holds while it lasts.
#[derive(Debug)]
enum Hold {
    /// Nothing before the first statement that somebody waits for.
    Nothing,
    Turn(Turn),
    Lease(Lease),
}

/// A transaction that may write; dropping it rolls back.
///
/// After a statement that failed, every other and the commit fail too, on both engines. Use
/// `on conflict do nothing`, or give up the attempt.
pub struct Transaction {
    writer: Writer,
    apart: Apart,
    hold: AsyncMutex<Hold>,
    failed: AtomicBool,
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
        writer: Writer,
        apart: Apart,
        service: &'static str,
        committed: watch::Sender<u64>,
    ) -> Result<Self, DbErr> {
        let hold = match &writer {
            Writer::Sqlite(turns) => Hold::Turn(turns.take().await?),
            Writer::Postgres(_) => Hold::Nothing,
        };
        let meter = Meter {
            service,
            begun: Instant::now(),
            stored: false,
        };
        Ok(Self {
            deferred: Mutex::new(Batch::new(writer.backend())),
            writer,
            apart,
            hold: AsyncMutex::new(hold),
            failed: AtomicBool::new(false),
            announced: AtomicBool::new(false),
            committed,
            meter,
        })
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
        let empty = Batch::new(self.writer.backend());
        std::mem::replace(&mut *self.deferred(), empty)
    }

    /// Sends everything deferred, so that what follows sees it.
    ///
    /// # Errors
    /// No connection came free in time, or a deferred write failed.
    pub async fn caught_up(&self) -> Result<(), DbErr> {
        self.on(async |_| Ok(())).await
    }

    /// Runs a statement on the transaction's connection, behind everything deferred. If it fails, or whoever waits for
    /// it leaves, the transaction has failed.
    async fn on<T>(
        &self,
        run: impl AsyncFnOnce(&mut Connection) -> Result<T, DbErr>,
    ) -> Result<T, DbErr> {
        let mut hold = self.hold.lock().await;
        if self.failed.swap(true, Ordering::Relaxed) {
            return Err(failed_before());
        }
        if let (Hold::Nothing, Writer::Postgres(connections)) = (&*hold, &self.writer) {
            *hold = Hold::Lease(self.begun(connections).await?);
        }
        let connection = match &mut *hold {
            Hold::Turn(turn) => turn.connection()?,
            Hold::Lease(lease) => lease.transaction(),
            Hold::Nothing => return Err(failed_before()),
        };
        self.take_deferred().send(connection).await?;
        let answer = run(connection).await?;
        self.failed.store(false, Ordering::Relaxed);
        Ok(answer)
    }

    /// A connection of the server's with a transaction open on it.
    async fn begun(&self, connections: &Pinned) -> Result<Lease, DbErr> {
        let mut lease = connections.lease().await?;
        let begin = match self.apart {
            Apart::Serializable => "begin isolation level serializable",
            Apart::Guarded(_) => "begin",
        };
        lease.transaction().say(begin).await?;
        Ok(lease)
    }

    /// Where a query of one that guards its writes goes while it has no transaction on the server.
    async fn aside(&self) -> Option<&Reader> {
        let Apart::Guarded(reader) = &self.apart else {
            return None;
        };
        let is_aside = matches!(*self.hold.lock().await, Hold::Nothing)
            && self.deferred().is_empty()
            && !self.failed.load(Ordering::Relaxed);
        is_aside.then_some(reader)
    }

    /// Passes an answer on; after one that failed the transaction has.
    fn noting<T>(&self, answer: Result<T, DbErr>) -> Result<T, DbErr> {
        if answer.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Stores everything, durably.
    ///
    /// # Errors
    /// [`crate::Fault::Retry`] when PostgreSQL finds only now that two transactions cannot both
    /// have happened; the error of a deferred write, or that a statement failed before.
    pub async fn commit(mut self) -> Result<(), DbErr> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(failed_before());
        }
        let deferred = self.take_deferred();
        let mut hold = std::mem::replace(self.hold.get_mut(), Hold::Nothing);
        if let (Hold::Nothing, Writer::Postgres(connections)) = (&hold, &self.writer)
            && !deferred.is_empty()
        {
            hold = Hold::Lease(match self.apart {
                Apart::Serializable => self.begun(connections).await?,
                // A single statement needs neither a begin nor a commit.
                Apart::Guarded(_) => connections.lease().await?,
            });
        }
        match hold {
            Hold::Turn(turn) => turn.keep(deferred).await?, // which counts what it commits
            Hold::Lease(mut lease) => {
                if lease.has_begun() {
                    deferred.send(lease.transaction()).await?;
                    lease.transaction().say("commit").await?;
                } else {
                    deferred.send(lease.connection()).await?;
                }
                lease.done();
                count_commit(self.service());
            }
            Hold::Nothing => {}
        }
        self.meter.stored = true;
        if self.announced.into_inner() {
            self.committed.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Forgets everything. What it had read is stored for good when this returns: on SQLite a transaction may see what
    /// others changed whose commit is still under way.
    ///
    /// # Errors
    /// What it had read could not be stored, so it never was.
    pub async fn rollback(mut self) -> Result<(), DbErr> {
        match std::mem::replace(self.hold.get_mut(), Hold::Nothing) {
            Hold::Turn(turn) => turn.take_back().await,
            // The connection takes it back before it serves somebody else; nobody need wait for that.
            Hold::Lease(_) | Hold::Nothing => Ok(()),
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
            metrics::counter!("store_transactions_total", "service" => self.service).increment(1);
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
        self.writer.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.on(async |connection| connection.execute(statement).await)
            .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.on(async |connection| connection.execute_unprepared(sql).await)
            .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if let Some(reader) = self.aside().await {
            return self.noting(reader.query_one_raw(statement).await);
        }
        self.on(async |connection| connection.query_one(statement).await)
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if let Some(reader) = self.aside().await {
            return self.noting(reader.query_all_raw(statement).await);
        }
        self.on(async |connection| connection.query_all(statement).await)
            .await
    }
}

fn failed_before() -> DbErr {
    DbErr::Exec(RuntimeErr::Internal(
        "a statement of this transaction failed before".into(),
    ))
}

//! One service's database: a pool to read from, and the one way to write.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sea_orm::{ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbErr};
use tokio::sync::watch;

use crate::connect::{self, Config};
use crate::transaction::Transaction;

/// A ping that takes longer finds the database unavailable.
const PING_MAX: Duration = Duration::from_secs(1);

/// How often the connections of the pools are counted.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// Which engine keeps the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, one writer.
    Sqlite,
    /// A server, several writers.
    Postgres,
}

/// One service's database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: &'static str,
    engine: Engine,
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    committed: watch::Sender<u64>,
}

impl Database {
    /// Opens the database of `service`, the name that its metrics carry.
    ///
    /// A SQLite file is created where it is missing, readable by its owner alone. A PostgreSQL
    /// server is not asked for anything yet, so it may be absent: see [`Database::ping`].
    ///
    /// # Errors
    /// A URL that is not understood, or a file that cannot be opened.
    pub async fn connect(service: &'static str, config: &Config) -> Result<Self, DbErr> {
        let connect::Pools {
            engine,
            reader,
            writer,
        } = connect::open(service, config).await?;
        let (committed, _) = watch::channel(0);
        let inner = Arc::new(Inner {
            service,
            engine,
            reader,
            writer,
            committed,
        });
        tokio::spawn(measure_pools(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// Returns the pool to read from. It refuses every write, and each statement sees what was
    /// committed before it; a read that several statements must agree on belongs in
    /// [`Database::begin_write`].
    pub fn read(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    /// Begins the one kind of transaction that may write. Run the whole attempt, from here to the
    /// commit, inside [`crate::retrying`]; dropping it rolls back.
    ///
    /// # Errors
    /// [`crate::Fault::Unavailable`] when no connection came free in time, which on PostgreSQL is
    /// found by the first statement.
    pub async fn begin_write(&self) -> Result<Transaction, DbErr> {
        let Inner {
            writer,
            service,
            committed,
            ..
        } = &*self.0;
        Transaction::begin(writer.clone(), service, committed.clone()).await
    }

    /// Returns a number that rises after each commit which called [`Transaction::announce`] in
    /// this process: it wakes those who follow the rows.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.0.committed.subscribe()
    }

    /// Returns the engine, for the rare statement that is not alike on both.
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// Returns the name of the service whose rows these are.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// Asks the database for a sign of life, within a second.
    ///
    /// # Errors
    /// The database is not there, or has no connection free.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let answer = self.0.reader.execute_unprepared("select 1");
        match tokio::time::timeout(PING_MAX, answer).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    /// Closes all connections once they are returned; SQLite folds its WAL into the file.
    ///
    /// # Errors
    /// None today: the driver closes what it can.
    pub async fn close(self) -> Result<(), DbErr> {
        self.0.reader.close_by_ref().await?;
        self.0.writer.close_by_ref().await // last, since only a writer can fold the WAL
    }
}

impl Inner {
    fn measure(&self, pool: &'static str, connections: &DatabaseConnection) {
        let (open, idle) = match self.engine {
            Engine::Sqlite => {
                let pool = connections.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
            Engine::Postgres => {
                let pool = connections.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(open);
        for (state, count) in [("idle", idle), ("in use", open.saturating_sub(idle))] {
            let gauge = metrics::gauge!(
                "store_pool_connections",
                "service" => self.service, "pool" => pool, "state" => state,
            );
            gauge.set(count);
        }
    }
}

/// Counts the connections now and then, until the database is dropped.
async fn measure_pools(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade() {
        inner.measure("read", &inner.reader);
        inner.measure("write", &inner.writer);
        drop(inner);
        tokio::time::sleep(MEASURE_EVERY).await;
    }
}

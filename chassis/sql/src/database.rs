//! One service's database: a pool to read from, and the one way to write.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sea_orm::{ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbErr};
use tokio::sync::watch;

use crate::connect::{self, Config, Connections};
use crate::reader::Reader;
use crate::transaction::{Apart, Transaction, Writer};

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
    connections: Connections,
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
        let (committed, _) = watch::channel(0);
        let inner = Arc::new(Inner {
            service,
            connections: connect::open(service, config).await?,
            committed,
        });
        tokio::spawn(measure_pools(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// Returns the connections to read from. They refuse every write, and each statement sees what was
    /// committed before it; a read that several statements must agree on belongs in
    /// [`Database::begin_write`].
    pub fn read(&self) -> &Reader {
        &self.0.connections.reader
    }

    /// Begins the one kind of transaction that may write. Run the whole attempt, from here to the
    /// commit, inside [`crate::retrying`]; dropping it rolls back.
    ///
    /// Whoever has one awaits nothing but its statements: on SQLite all others who write wait for him, also those who
    /// had their turn before and only wait to be told.
    ///
    /// # Errors
    /// [`crate::Fault::Unavailable`] when no connection came free in time, which on PostgreSQL is
    /// found by the first statement.
    pub async fn begin_write(&self) -> Result<Transaction, DbErr> {
        self.begin(Apart::Serializable).await
    }

    /// As [`Database::begin_write`], for optimistic concurrency control: an attempt that guards its writes. Each of
    /// them must itself say what it found, by a version in its condition or by a key that nobody may have taken, and
    /// be deferred as one that must touch a row ([`Transaction::defer_required`]), or touch only rows that go with one
    /// that is. Then the commit fails with [`DbErr::RecordNotUpdated`] where something was found otherwise, and
    /// nothing is stored.
    ///
    /// On PostgreSQL its queries go where [`Database::read`] goes, so they are in nobody's way, and its writes are one
    /// statement at READ COMMITTED, one round trip; once it waits for a write, the rest is a transaction.
    ///
    /// # Errors
    /// As there.
    pub async fn begin_guarded(&self) -> Result<Transaction, DbErr> {
        let reader = self.read().clone();
        self.begin(Apart::Guarded(reader)).await
    }

    async fn begin(&self, apart: Apart) -> Result<Transaction, DbErr> {
        let Inner {
            connections,
            service,
            committed,
        } = &*self.0;
        let writer = connections.writer.clone();
        Transaction::begin(writer, apart, service, committed.clone()).await
    }

    /// Opens a connection of the library's own kind, for changes of the schema alone; close it when they are made.
    /// It writes beside all others: on SQLite it waits for the file's lock.
    pub fn schema_connection(&self) -> DatabaseConnection {
        connect::schema_connection(&self.0.connections.options)
    }

    /// Returns a number that rises after each commit which called [`Transaction::announce`] in
    /// this process: it wakes those who follow the rows.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.0.committed.subscribe()
    }

    /// Returns the engine, for the rare statement that is not alike on both.
    pub fn engine(&self) -> Engine {
        self.0.connections.engine
    }

    /// Returns the name of the service whose rows these are.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// Returns a connection to read from that only readiness uses: that all others are busy is load, not loss.
    pub fn read_aside(&self) -> &Reader {
        &self.0.connections.ping
    }

    /// Asks the database for a sign of life, within a second and aside of all others.
    ///
    /// # Errors
    /// The database is not there.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let answer = self.read_aside().execute_unprepared("select 1");
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
        let Connections {
            reader,
            ping,
            writer,
            ..
        } = &self.0.connections;
        reader.0.close().await;
        ping.0.close().await;
        match writer {
            Writer::Sqlite(turns) => turns.close().await, // last, since only a writer can fold the log
            Writer::Postgres(connections) => connections.close().await,
        }
        Ok(())
    }
}

impl Inner {
    fn measure(&self) {
        let Connections { reader, writer, .. } = &self.connections;
        reader.0.tidy();
        self.gauge("read", reader.0.counts());
        match writer {
            Writer::Sqlite(turns) if turns.is_taken() => self.gauge("write", (1, 0)),
            Writer::Sqlite(_) => self.gauge("write", (0, 1)),
            Writer::Postgres(connections) => {
                connections.tidy();
                self.gauge("write", connections.counts());
            }
        }
    }

    fn gauge(&self, pool: &'static str, (used, idle): (u32, u32)) {
        for (state, count) in [("idle", idle), ("in use", used)] {
            let gauge = metrics::gauge!(
                "store_pool_connections",
                "service" => self.service, "pool" => pool, "state" => state,
            );
            gauge.set(count);
        }
    }
}

/// Counts the connections now and then, and closes those that rested for long, until the database is dropped.
async fn measure_pools(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade() {
        inner.measure();
        drop(inner);
        tokio::time::sleep(MEASURE_EVERY).await;
    }
}

//! One connection to either engine, and how statements of the query layer travel on it.
//!
//! A statement goes to the driver as it is. The query layer's own connections would take one from a pool for each
//! statement, and the pool asks every connection for a sign of life when it comes back: a round trip to PostgreSQL,
//! a change of threads and back on SQLite.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::sea_query::Values;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{
    self, AssertSqlSafe, Connection as _, Executor, PgConnection, SqliteConnection,
};
use sea_orm::{DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;

/// How to open a connection; may hold a password, and shows none.
#[derive(Clone)]
pub(crate) enum Options {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

impl Options {
    pub fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Options").field(&self.backend()).finish()
    }
}

/// How long a statement of SQLite may take, as PostgreSQL's settings say of its own.
const SQLITE_STATEMENT_MAX: Duration = Duration::from_secs(5);
/// After so many steps of its machine SQLite looks at the time: some milliseconds.
const SQLITE_STEPS: i32 = 100_000;

/// A connection. Whoever drops a future of it must take care of what it may have left running.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(SqliteConnection, Arc<Bound>),
    Postgres(PgConnection),
}

/// Until when the statement of a SQLite connection may run, in milliseconds since it was opened.
#[derive(Debug)]
pub(crate) struct Bound {
    opened: Instant,
    until: AtomicU64,
}

impl Bound {
    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn renew(&self) {
        let most = u64::try_from(SQLITE_STATEMENT_MAX.as_millis()).unwrap_or(u64::MAX);
        self.until.store(self.now() + most, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.now() > self.until.load(Ordering::Relaxed)
    }
}

/// Does the same with the driver's connection of either engine.
macro_rules! on {
    ($connection:expr, $driver:ident => $act:expr) => {
        match $connection {
            Connection::Sqlite($driver, bound) => {
                bound.renew();
                $act
            }
            Connection::Postgres($driver) => $act,
        }
    };
}

impl Connection {
    pub async fn open(options: &Options) -> Result<Self, sqlx::Error> {
        match options {
            Options::Sqlite(options) => {
                let mut connection = SqliteConnection::connect_with(options).await?;
                let bound = Arc::new(Bound {
                    opened: Instant::now(),
                    until: AtomicU64::new(u64::MAX),
                });
                let watched = bound.clone();
                let mut handle = connection.lock_handle().await?;
                handle.set_progress_handler(SQLITE_STEPS, move || !watched.is_over());
                drop(handle);
                Ok(Self::Sqlite(connection, bound))
            }
            Options::Postgres(options) => PgConnection::connect_with(options)
                .await
                .map(Self::Postgres),
        }
    }

    pub async fn execute(&mut self, statement: Statement) -> Result<ExecResult, DbErr> {
        let (sql, values) = parts(statement);
        on!(self, driver => {
            let query = sqlx::query_with(AssertSqlSafe(sql), values);
            query.execute(driver).await.map(ExecResult::from).map_err(exec_error)
        })
    }

    /// Executes a text that may hold several statements, and keeps nothing prepared.
    pub async fn execute_unprepared(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        on!(self, driver => driver.execute(sql).await.map(ExecResult::from).map_err(exec_error))
    }

    /// As [`Connection::execute_unprepared`], for a word of ours like `commit`.
    pub async fn say(&mut self, word: &'static str) -> Result<(), DbErr> {
        on!(self, driver => driver.execute(word).await.map(drop).map_err(exec_error))
    }

    pub async fn query_one(&mut self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let (sql, values) = parts(statement);
        on!(self, driver => {
            let query = sqlx::query_with(AssertSqlSafe(sql), values);
            let row = query.fetch_optional(driver).await.map_err(query_error)?;
            Ok(row.map(QueryResult::from))
        })
    }

    pub async fn query_all(&mut self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (sql, values) = parts(statement);
        on!(self, driver => {
            let query = sqlx::query_with(AssertSqlSafe(sql), values);
            let rows = query.fetch_all(driver).await.map_err(query_error)?;
            Ok(rows.into_iter().map(QueryResult::from).collect())
        })
    }

    /// Asks for a sign of life, after everything that is still under way.
    pub async fn ping(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(driver, _) => driver.ping().await,
            Self::Postgres(driver) => driver.ping().await,
        }
    }

    /// Ends a statement that SQLite still works on and nobody waits for; PostgreSQL has a bound of its own. Never for
    /// a connection that writes: what others changed on it would go, too.
    pub fn abandon(&mut self) {
        if let Self::Sqlite(_, bound) = self {
            bound.until.store(0, Ordering::Relaxed);
        }
    }

    pub async fn close(self) -> Result<(), sqlx::Error> {
        on!(self, driver => driver.close().await)
    }
}

fn parts(statement: Statement) -> (String, SqlxValues) {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    (statement.sql, SqlxValues(values))
}

fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

pub(crate) fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// Counts what the database stored durably, at once.
pub(crate) fn count_commit(service: &'static str) {
    metrics::counter!("store_commits_total", "service" => service).increment(1);
}

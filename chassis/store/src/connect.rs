//! Opens the pools of each engine with the settings we ship.
//!
//! Settings stand on every connection, never on one transaction: a setting per transaction costs
//! a round trip, and one that is set once per pool is missing on the next connection.

use std::path::Path;
use std::time::Duration;

use log::LevelFilter;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, ConnectOptions};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr, SqlxPostgresConnector,
    SqlxSqliteConnector,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{Engine, retrying};

/// Statements that take longer are logged as a warning: their text, never their values.
const STATEMENT_SLOW: Duration = Duration::from_millis(200);
/// How long a request waits for a connection of PostgreSQL before it counts as unavailable.
const POSTGRES_ACQUIRE_MAX: Duration = Duration::from_secs(2);
/// A connection idle for longer is tested before it is used, so that a restarted server costs
/// no request; testing each time would cost every request a round trip.
const POSTGRES_TEST_AFTER_IDLE: Duration = Duration::from_millis(500);
/// How long a writer of SQLite queues for its turn, and waits for the lock of another process.
const SQLITE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Readers beside the one writer of SQLite; opened when first needed, closed when idle.
const SQLITE_READERS_MAX: u32 = 4;
/// SQLite 3.7.0 to 3.51.2 can corrupt a database while several connections reset its WAL.
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// Where a service keeps its rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: SecretString,
    /// Connections this process holds to PostgreSQL at most; SQLite has one writer and a few
    /// readers whatever stands here. Default 10: six services fit into the 100 of a server as it
    /// comes, and more writers at once mean more that collide.
    #[serde(default = "connections_max")]
    pub connections_max: u32,
}

fn connections_max() -> u32 {
    10
}

impl Config {
    /// Returns the configuration of a database with default limits.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: SecretString::from(url.into()),
            connections_max: connections_max(),
        }
    }

    /// Returns the configuration of a SQLite file.
    pub fn sqlite(path: &Path) -> Self {
        Self::new(format!("sqlite:{}", path.display()))
    }
}

/// The two pools of one database.
pub(crate) struct Pools {
    pub engine: Engine,
    pub reader: DatabaseConnection,
    pub writer: DatabaseConnection,
}

pub(crate) async fn open(service: &'static str, config: &Config) -> Result<Pools, DbErr> {
    let url = config.url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite:") {
        return sqlite(Path::new(path)).await;
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return postgres(service, url, config.connections_max);
    }
    // The address may hold a password, so the message must not repeat it.
    Err(DbErr::Custom(
        "a database URL starts with sqlite: or postgres://".into(),
    ))
}

/// Opens the writer, then a pool of readers that cannot write.
async fn sqlite(path: &Path) -> Result<Pools, DbErr> {
    create_private(path)?;
    let writer = retrying(|| sqlite_writer(path)).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS_MAX)
        .min_connections(0)
        .idle_timeout(Duration::from_secs(60))
        .acquire_timeout(SQLITE_WAIT_MAX)
        .test_before_acquire(false)
        .connect_lazy_with(sqlite_options(path).read_only(true));
    let reader = SqlxSqliteConnector::from_sqlx_sqlite_pool(readers);
    check_sqlite_version(&reader).await?;
    Ok(Pools {
        engine: Engine::Sqlite,
        reader,
        writer,
    })
}

/// The one connection that writes: SQLite has one writer at a time anyway, and a queue in front
/// of it is fair where its own lock is not.
async fn sqlite_writer(path: &Path) -> Result<DatabaseConnection, DbErr> {
    SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(SQLITE_WAIT_MAX)
        .test_before_acquire(false)
        .connect_with(sqlite_options(path).journal_mode(SqliteJournalMode::Wal))
        .await
        .map(SqlxSqliteConnector::from_sqlx_sqlite_pool)
        .map_err(connection_error)
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(SQLITE_WAIT_MAX)
        .log_statements(LevelFilter::Debug)
        .log_slow_statements(LevelFilter::Warn, STATEMENT_SLOW)
}

/// Creates the file readable by its owner alone; SQLite gives its WAL the same mode.
fn create_private(path: &Path) -> Result<(), DbErr> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| connection_error(sqlx::Error::Io(error)))
}

async fn check_sqlite_version(reader: &DatabaseConnection) -> Result<(), DbErr> {
    let statement = sea_orm::Statement::from_string(
        sea_orm::DbBackend::Sqlite,
        "select sqlite_version() as version",
    );
    let row = reader.query_one_raw(statement).await?;
    let version: String = row
        .map(|row| row.try_get("", "version"))
        .transpose()?
        .unwrap_or_default();
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < SQLITE_VERSION_MIN {
        return Err(DbErr::Custom(format!(
            "SQLite {version} can corrupt a WAL: 3.51.3 is needed"
        )));
    }
    Ok(())
}

/// Opens nothing yet: a server that is down makes a service unready, it does not stop its start.
fn postgres(service: &str, url: &str, connections_max: u32) -> Result<Pools, DbErr> {
    let options: PgConnectOptions = url.parse().map_err(connection_error)?;
    let options = options
        .application_name(&format!("stoa {service}"))
        .statement_cache_capacity(256)
        .log_statements(LevelFilter::Debug)
        .log_slow_statements(LevelFilter::Warn, STATEMENT_SLOW)
        .options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("jit", "off"), // our statements are short, compiling one takes longer than running it
        ]);
    let writers = connections_max.div_ceil(2).max(1);
    let readers = (connections_max / 2).max(1);
    let writer = options.clone().options([
        ("default_transaction_isolation", "serializable"),
        // A scan of a small table counts as reading all of it, so any two would collide.
        ("enable_seqscan", "off"),
    ]);
    let reader = options.options([("default_transaction_read_only", "on")]);
    Ok(Pools {
        engine: Engine::Postgres,
        reader: postgres_pool(readers, reader),
        writer: postgres_pool(writers, writer),
    })
}

fn postgres_pool(connections_max: u32, options: PgConnectOptions) -> DatabaseConnection {
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(POSTGRES_ACQUIRE_MAX)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= POSTGRES_TEST_AFTER_IDLE {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

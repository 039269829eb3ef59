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
    ConnectionTrait, DatabaseConnection, DbErr, SqlxPostgresConnector, SqlxSqliteConnector,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::connection::{Connection, Options, connection_error};
use crate::pinned::{Limits, Pinned};
use crate::reader::Reader;
use crate::transaction::Writer;
use crate::turns::Turns;
use crate::{Engine, retrying};

/// Statements that take longer are logged as a warning: their text, never their values.
const STATEMENT_SLOW: Duration = Duration::from_millis(200);
/// How long a request waits for a connection of PostgreSQL before it counts as unavailable.
const POSTGRES_ACQUIRE_MAX: Duration = Duration::from_secs(2);
/// Connections that only readiness uses: one asks for a sign of life, one for the schema, and neither is late because
/// the other is.
const ASIDE: u32 = 2;
/// How long whoever asks for a sign of life waits for a connection: he wants to hear why there is none.
const PING_WAIT_MAX: Duration = Duration::from_millis(700);
/// A connection that rested for longer is asked for a sign of life before it is used, so that a restarted server
/// costs no request; asking each time would cost every request a round trip.
const POSTGRES_TEST_AFTER_IDLE: Duration = Duration::from_millis(500);
/// How long a change of the schema waits for a table, and with it all who come after: well below
/// the two seconds that these wait at most.
const SCHEMA_LOCK_WAIT_MAX: &str = "250ms";
/// How long a writer of SQLite queues for its turn, and waits for the lock of another process.
const SQLITE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Readers beside the one writer of SQLite; opened when first needed, closed when idle.
const SQLITE_READERS_MAX: u32 = 4;
/// Bytes of a page in files that are new; others keep theirs. A commit writes each page that it touches whole, mostly
/// the last one of a dozen trees, so small pages make small commits.
const SQLITE_PAGE: u32 = 1024;
/// When the log is as long it is folded into the file: 4 MiB in new files, as SQLite has it for pages of its own choice.
const SQLITE_LOG_PAGES: &str = "4000";
/// Statements that each connection keeps prepared.
const STATEMENTS_KEPT: usize = 256;
/// SQLite 3.7.0 to 3.51.2 can corrupt a database while several connections reset its WAL.
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// Where a service keeps its rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: SecretString,
    /// Connections this process holds to PostgreSQL at most; SQLite has one writer and a few
    /// readers whatever stands here. Default 10: seven services fit into the 100 of a server as it
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

    /// Returns the SQLite file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        let path = self.url.expose_secret().strip_prefix("sqlite:")?;
        Some(Path::new(path))
    }
}

/// The connections of one database.
#[derive(Debug)]
pub(crate) struct Connections {
    pub engine: Engine,
    pub reader: Reader,
    /// One to ask for a sign of life, however busy the others are.
    pub ping: Reader,
    pub writer: Writer,
    /// How to open one that writes.
    pub options: Options,
}

pub(crate) async fn open(service: &'static str, config: &Config) -> Result<Connections, DbErr> {
    let url = config.url.expose_secret();
    if let Some(file) = config.file() {
        return sqlite(service, file).await;
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return postgres(service, url, config.connections_max);
    }
    // The address may hold a password, so the message must not repeat it.
    Err(DbErr::Custom(
        "a database URL starts with sqlite: or postgres://".into(),
    ))
}

/// Opens the one connection that writes: SQLite has one writer at a time anyway, and a queue in front of it is fair
/// where its own lock is not. Readers, which cannot write, are opened when first needed.
async fn sqlite(service: &'static str, path: &Path) -> Result<Connections, DbErr> {
    create_private(path)?;
    let options = sqlite_options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .page_size(SQLITE_PAGE)
        .pragma("wal_autocheckpoint", SQLITE_LOG_PAGES);
    // What a savepoint may have to take back; in a file it would be more bytes than the log.
    let of_writer = options.clone().pragma("temp_store", "memory");
    let of_writer = Options::Sqlite(Box::new(of_writer));
    let open = async || Connection::open(&of_writer).await.map_err(connection_error);
    let writer = retrying(open).await?;
    let readers = Options::Sqlite(Box::new(sqlite_options(path).read_only(true)));
    let limits = |connections_max| Limits {
        connections_max,
        wait_max: SQLITE_WAIT_MAX,
        test_after_idle: Duration::MAX,
    };
    let reader = Reader(Pinned::new(readers.clone(), limits(SQLITE_READERS_MAX)));
    check_sqlite_version(&reader).await?;
    Ok(Connections {
        engine: Engine::Sqlite,
        reader,
        ping: Reader(Pinned::new(readers, limits(ASIDE))),
        writer: Writer::Sqlite(Turns::new(service, writer, SQLITE_WAIT_MAX)),
        options: Options::Sqlite(Box::new(options)),
    })
}

/// Opens a pool of one for changes of the schema, which the library makes on connections of its own kind. It keeps its
/// one connection, and what that has locked, for as long as it is open.
pub(crate) fn schema_connection(options: &Options) -> DatabaseConnection {
    match options {
        Options::Sqlite(options) => {
            let pool = SqlitePoolOptions::new().max_connections(1);
            let pool = pool.connect_lazy_with(options.as_ref().clone());
            SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
        }
        Options::Postgres(options) => {
            let options = options.as_ref().clone().options([
                ("enable_seqscan", "on"),
                // All who come after a statement that waits for a table wait behind it.
                ("lock_timeout", SCHEMA_LOCK_WAIT_MAX),
            ]);
            let pool = PgPoolOptions::new().max_connections(1);
            let pool = pool.idle_timeout(None).max_lifetime(None);
            let pool = pool.acquire_timeout(POSTGRES_ACQUIRE_MAX);
            let name = format!(
                "{} schema",
                options.get_application_name().unwrap_or("stoa")
            );
            let pool = pool.connect_lazy_with(options.application_name(&name));
            SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
        }
    }
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(SQLITE_WAIT_MAX)
        .statement_cache_capacity(STATEMENTS_KEPT)
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

async fn check_sqlite_version(reader: &Reader) -> Result<(), DbErr> {
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
fn postgres(service: &str, url: &str, connections_max: u32) -> Result<Connections, DbErr> {
    let options: PgConnectOptions = url.parse().map_err(connection_error)?;
    let options = options
        .application_name(&format!("stoa {service}"))
        .statement_cache_capacity(STATEMENTS_KEPT)
        .log_statements(LevelFilter::Debug)
        .log_slow_statements(LevelFilter::Warn, STATEMENT_SLOW)
        .options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("default_transaction_isolation", "read committed"), // who wants more says so as it begins
            ("jit", "off"), // our statements are short, compiling one takes longer than running it
            // Every statement of ours has an index. A plan that was made while a table was small, and is kept, would
            // read all of it when it has grown; and on SERIALIZABLE who reads all of a table collides with everybody.
            ("enable_seqscan", "off"),
        ]);
    let writer = options.clone();
    let reader = options.options([("default_transaction_read_only", "on")]);
    let writer = Options::Postgres(Box::new(writer));
    let reader = Options::Postgres(Box::new(reader));
    let limits = |connections_max: u32| Limits {
        connections_max: connections_max.max(1),
        wait_max: POSTGRES_ACQUIRE_MAX,
        test_after_idle: POSTGRES_TEST_AFTER_IDLE,
    };
    Ok(Connections {
        engine: Engine::Postgres,
        reader: Reader(Pinned::new(reader.clone(), limits(connections_max / 2))),
        ping: Reader(Pinned::new(
            reader,
            Limits {
                wait_max: PING_WAIT_MAX,
                ..limits(ASIDE)
            },
        )),
        writer: Writer::Postgres(Pinned::new(
            writer.clone(),
            limits(connections_max.div_ceil(2)),
        )),
        options: writer,
    })
}

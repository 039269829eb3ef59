//! The schema of every service, and the one way to bring a database up to it.
//!
//! Each service has a list of its own, applied in one transaction under a lock, so that any
//! number of processes may try at once. Nothing here knows what the rows mean.

mod catalog;
mod inventory;
mod order;
mod payment;
mod pricing;
mod user;

use std::collections::HashSet;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use store::{Database, Engine, retrying};

/// The services that have a schema.
pub const SERVICES: [&str; 6] = [
    "catalog",
    "inventory",
    "order",
    "payment",
    "pricing",
    "user",
];

/// The key of PostgreSQL's lock that one migrating process holds.
const LOCK: i64 = 0x0073_746f_615f_6462;

/// Why a database was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No service of that name has a schema.
    #[error("no service {0} has a schema")]
    UnknownService(String),
    /// The database was migrated by a newer program.
    #[error("the database of {service} is newer than this program: it has {}", unknown.join(", "))]
    Newer {
        /// Whose database it is.
        service: String,
        /// Changes that this program does not know, oldest first.
        unknown: Vec<String>,
    },
    /// The database failed; nothing was changed.
    #[error("the database of {service} could not be migrated")]
    Db {
        /// Whose database it is.
        service: String,
        /// What the database said.
        #[source]
        source: DbErr,
    },
}

/// How a database stands to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has exactly the changes that this program knows.
    Current,
    /// It lacks these changes, oldest first: run `stoa migrate`.
    Behind(Vec<String>),
    /// It has these changes, oldest first, which this program does not know.
    Newer(Vec<String>),
}

/// The changes of one service, oldest first.
struct Migrator(fn() -> Vec<Box<dyn MigrationTrait>>);

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.0)()
    }
}

/// Brings the database up to this program, and returns the names of the changes it made.
///
/// All of them happen or none; who comes while another is at it waits.
///
/// # Errors
/// [`Error::Newer`] when the database has changes that this program does not know.
pub async fn up(db: &Database, service: &str) -> Result<Vec<String>, Error> {
    let migrator = migrator(service)?;
    let result = retrying(|| up_once(db, &migrator)).await;
    let failed = |source| Error::Db {
        service: service.into(),
        source,
    };
    match result.map_err(failed)? {
        State::Current => Ok(Vec::new()),
        State::Behind(made) => Ok(made),
        State::Newer(unknown) => Err(Error::Newer {
            service: service.into(),
            unknown,
        }),
    }
}

/// Takes everything back, rows and all: for tests of the changes themselves.
///
/// # Errors
/// The database failed; nothing was changed.
pub async fn down(db: &Database, service: &str) -> Result<(), Error> {
    let migrator = migrator(service)?;
    let failed = |source| Error::Db {
        service: service.into(),
        source,
    };
    retrying(|| down_once(db, &migrator)).await.map_err(failed)
}

/// Tells how the database stands to this program, changing nothing.
///
/// # Errors
/// The database failed.
pub async fn state(db: &Database, service: &str) -> Result<State, Error> {
    let migrator = migrator(service)?;
    let failed = |source| Error::Db {
        service: service.into(),
        source,
    };
    compare(db.read(), &migrator).await.map_err(failed)
}

/// Returns what was missing before, which is there now.
async fn up_once(db: &Database, migrator: &Migrator) -> Result<State, DbErr> {
    let connection = db.schema_connection();
    let txn = lock(db, &connection).await?;
    let before = compare(&txn, migrator).await?;
    if matches!(before, State::Behind(_)) {
        migrator.up(&txn, None).await?;
    }
    txn.commit().await?;
    connection.close().await?;
    Ok(before)
}

async fn down_once(db: &Database, migrator: &Migrator) -> Result<(), DbErr> {
    let connection = db.schema_connection();
    let txn = lock(db, &connection).await?;
    migrator.down(&txn, None).await?;
    txn.commit().await?;
    connection.close().await
}

/// Begins the transaction that all changes share. On SQLite its beginning is the lock.
async fn lock(
    db: &Database,
    connection: &DatabaseConnection,
) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let txn = connection.begin_with_options(options).await?;
    if db.engine() == Engine::Postgres {
        // Who waited for the lock must see what its holder did. A large table takes longer than a
        // request may, and others wait for all of it.
        txn.execute_unprepared(
            "set transaction isolation level read committed; \
             set local statement_timeout = 0; set local lock_timeout = 0",
        )
        .await?;
        txn.execute_unprepared(&format!("select pg_advisory_xact_lock({LOCK})"))
            .await?;
    }
    Ok(txn)
}

async fn compare(db: &impl ConnectionTrait, migrator: &Migrator) -> Result<State, DbErr> {
    let names: Vec<String> = migrator
        .migrations()
        .iter()
        .map(|m| m.name().to_owned())
        .collect();
    let known: HashSet<&String> = names.iter().collect();
    let applied = applied(db).await?;
    let unknown: Vec<String> = applied
        .iter()
        .filter(|name| !known.contains(name))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Ok(State::Newer(unknown));
    }
    let applied: HashSet<String> = applied.into_iter().collect();
    let missing: Vec<String> = names
        .into_iter()
        .filter(|name| !applied.contains(name))
        .collect();
    Ok(if missing.is_empty() {
        State::Current
    } else {
        State::Behind(missing)
    })
}

/// Returns the names of the changes the database has, oldest first. The library's own reading
/// would create its table, and refuse to name a change it does not know.
async fn applied(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let backend = db.get_database_backend();
    let exists = match backend {
        DbBackend::Sqlite => "select name from sqlite_master where name = 'seaql_migrations'",
        _ => "select relname as name from pg_class where oid = to_regclass('seaql_migrations')",
    };
    if db
        .query_one_raw(Statement::from_string(backend, exists))
        .await?
        .is_none()
    {
        return Ok(Vec::new());
    }
    let versions = "select version from seaql_migrations order by version";
    let rows = db
        .query_all_raw(Statement::from_string(backend, versions))
        .await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}

fn migrator(service: &str) -> Result<Migrator, Error> {
    match service {
        "catalog" => Ok(Migrator(catalog::list)),
        "inventory" => Ok(Migrator(inventory::list)),
        "order" => Ok(Migrator(order::list)),
        "payment" => Ok(Migrator(payment::list)),
        "pricing" => Ok(Migrator(pricing::list)),
        "user" => Ok(Migrator(user::list)),
        unknown => Err(Error::UnknownService(unknown.into())),
    }
}

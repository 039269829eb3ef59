//! A fresh database per test, on each engine.
//!
//! ```ignore
//! for db in testkit::database::both("order", async |db| migrations::up(db, "order").await).await {
//!     // the same test on SQLite and on PostgreSQL
//! }
//! ```

use std::collections::hash_map::DefaultHasher;
use std::fmt::Display;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection};
use sql::{Config, Database, Engine};
use tempfile::TempDir;

use crate::{note, postgres};

/// Databases of earlier runs older than this are dropped.
const STALE_AFTER_SECONDS: u64 = 20 * 60;
/// That many at a time: a test is waiting.
const STALE_DROPPED_MAX: usize = 20;

/// A database of one test, open; dropping it forgets it.
#[derive(Debug)]
pub struct TestDatabase {
    /// The open database.
    pub database: Database,
    service: &'static str,
    config: Config,
    _place: Storage,
}

/// Where the rows are; dropping it deletes them.
#[derive(Debug)]
enum Storage {
    Folder {
        _folder: TempDir,
    },
    Server {
        address: postgres::ServerAddress,
        name: String,
    },
}

impl Drop for Storage {
    fn drop(&mut self) {
        let Self::Server { address, name } = self else {
            return;
        };
        let (address, name) = (address.clone(), name.clone());
        // A test may end inside its runtime, so this needs a thread with one of its own.
        let dropped = std::thread::spawn(move || drop_database(&address, &name)).join();
        if !matches!(dropped, Ok(Ok(()))) {
            eprintln!("a test database was left behind, a later run drops it: {dropped:?}");
        }
    }
}

fn drop_database(address: &postgres::ServerAddress, name: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut admin = PgConnection::connect(&address.url("postgres")).await?;
        let sql = format!("drop database if exists {name} with (force)");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut admin).await?;
        Ok(())
    })
}

impl TestDatabase {
    /// Returns what it takes to open it, for a process or a replica of its own.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Opens it once more, as another replica or the next start does.
    pub async fn open(&self) -> Database {
        open(self.service, &self.config).await
    }
}

impl Deref for TestDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// Returns a fresh, migrated database of `service` on that engine.
pub async fn on<T, E: Display>(
    engine: Engine,
    service: &'static str,
    migrate: impl AsyncFn(&Database) -> Result<T, E>,
) -> TestDatabase {
    match engine {
        Engine::Sqlite => sqlite(service, migrate).await,
        Engine::Postgres => postgres(service, migrate).await,
    }
}

/// Returns a fresh database of `service` on SQLite and one on PostgreSQL, both migrated.
pub async fn both<T, E: Display>(
    service: &'static str,
    migrate: impl AsyncFn(&Database) -> Result<T, E>,
) -> [TestDatabase; 2] {
    [
        sqlite(service, &migrate).await,
        postgres(service, &migrate).await,
    ]
}

/// Returns a fresh, migrated SQLite file.
pub async fn sqlite<T, E: Display>(
    service: &'static str,
    migrate: impl AsyncFn(&Database) -> Result<T, E>,
) -> TestDatabase {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let config = Config::sqlite(&folder.path().join(format!("{service}.db")));
    let database = open(service, &config).await;
    run(service, &database, migrate).await;
    TestDatabase {
        database,
        service,
        config,
        _place: Storage::Folder { _folder: folder },
    }
}

/// Returns a fresh database on the shared PostgreSQL, cloned from one that `migrate` made for the
/// first test of this program that asked for `service`.
pub async fn postgres<T, E: Display>(
    service: &'static str,
    migrate: impl AsyncFn(&Database) -> Result<T, E>,
) -> TestDatabase {
    let server = postgres::shared().await;
    let (program, build) = this_build();
    let of_program = format!("template_{service}_{program:016x}_");
    let template = format!("{of_program}{build:016x}");
    let mut admin = connect(&server).await;
    // Two tests at once would make the template twice; the lock ends with the connection.
    let lock = format!("select pg_advisory_lock(hashtext('{template}'))");
    execute(&mut admin, &lock).await;
    if !exists(&mut admin, &template).await {
        drop_all(&mut admin, &of_program).await; // those of earlier builds
        make_template(&server, &mut admin, &template, service, migrate).await;
    }
    execute(&mut admin, "select pg_advisory_unlock_all()").await;
    let name = fresh_name(service);
    execute(
        &mut admin,
        &format!("create database {name} template {template}"),
    )
    .await;
    drop(admin.close().await);
    let config = Config::new(server.url(&name));
    let database = open(service, &config).await;
    TestDatabase {
        database,
        service,
        config,
        _place: Storage::Server {
            address: server,
            name,
        },
    }
}

async fn make_template<T, E: Display>(
    server: &postgres::ServerAddress,
    admin: &mut PgConnection,
    template: &str,
    service: &'static str,
    migrate: impl AsyncFn(&Database) -> Result<T, E>,
) {
    drop_stale(admin).await;
    let unfinished = fresh_name("unfinished");
    execute(admin, &format!("create database {unfinished}")).await;
    let database = open(service, &Config::new(server.url(&unfinished))).await;
    run(service, &database, migrate).await;
    database.close().await.expect("a database closes");
    execute(
        admin,
        &format!("alter database {unfinished} rename to {template}"),
    )
    .await;
}

async fn open(service: &'static str, config: &Config) -> Database {
    note::note();
    match Database::connect(service, config).await {
        Ok(database) => database,
        Err(error) => panic!("cannot open the database of {service}: {error}"),
    }
}

async fn run<T, E: Display>(
    service: &str,
    database: &Database,
    migrate: impl AsyncFn(&Database) -> Result<T, E>,
) {
    if let Err(error) = migrate(database).await {
        panic!("cannot migrate the database of {service}: {error}");
    }
}

async fn connect(server: &postgres::ServerAddress) -> PgConnection {
    match PgConnection::connect(&server.url("postgres")).await {
        Ok(connection) => connection,
        Err(error) => panic!("cannot connect to the PostgreSQL for tests: {error}"),
    }
}

async fn execute(admin: &mut PgConnection, sql: &str) {
    if let Err(error) = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(admin)
        .await
    {
        panic!("PostgreSQL refused `{sql}`: {error}");
    }
}

async fn exists(admin: &mut PgConnection, name: &str) -> bool {
    let found = sqlx::query("select 1 from pg_database where datname = $1").bind(name);
    found
        .fetch_optional(admin)
        .await
        .expect("databases can be listed")
        .is_some()
}

/// Drops the databases whose name starts with `prefix`.
async fn drop_all(admin: &mut PgConnection, prefix: &str) {
    let names = sqlx::query_scalar::<_, String>(
        "select datname from pg_database where starts_with(datname, $1) limit 1000",
    );
    let names = names.bind(prefix).fetch_all(&mut *admin).await;
    for name in names.expect("databases can be listed") {
        execute(
            admin,
            &format!("drop database if exists {name} with (force)"),
        )
        .await;
    }
}

/// Drops what earlier runs left; their names tell the second they were made in.
async fn drop_stale(admin: &mut PgConnection) {
    let names = sqlx::query_scalar::<_, String>(
        "select datname from pg_database where datname like 't\\_%\\_%' limit 10000",
    );
    let names = names.fetch_all(&mut *admin).await;
    let is_stale = |name: &String| {
        let made = name
            .split('_')
            .nth(1)
            .and_then(|seconds| seconds.parse::<u64>().ok());
        made.is_some_and(|made| made + STALE_AFTER_SECONDS < seconds_now())
    };
    let names = names.expect("databases can be listed");
    for name in names
        .iter()
        .filter(|name| is_stale(name))
        .take(STALE_DROPPED_MAX)
    {
        execute(
            admin,
            &format!("drop database if exists {name} with (force)"),
        )
        .await;
    }
}

fn fresh_name(service: &str) -> String {
    format!(
        "t_{}_{service}_{}",
        seconds_now(),
        uuid::Uuid::new_v4().simple()
    )
}

/// Tells the program that runs, and which build of it: a template belongs to that very build, so
/// that a changed schema makes a new one.
fn this_build() -> (u64, u64) {
    let path = std::env::current_exe().expect("a test knows its own file");
    let made = std::fs::metadata(&path)
        .and_then(|file| file.modified())
        .ok();
    (hash(&path), hash(&made))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn seconds_now() -> u64 {
    let now = clock::Clock::system().now().timestamp();
    u64::try_from(now).unwrap_or(0)
}

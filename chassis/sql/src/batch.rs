//! Statements that nobody waits for one by one, sent to the database together.
//!
//! On SQLite they are one text of several statements, on PostgreSQL one statement with a part
//! for each, so that both take one round trip where each statement would have taken its own.

use std::fmt::{self, Write};

use sea_orm::sea_query::{
    PostgresQueryBuilder, QueryStatementBuilder, SqlWriterValues, SqliteQueryBuilder,
};
use sea_orm::{DbBackend, DbErr, RuntimeErr, Statement};

use crate::connection::Connection;

/// More than this are not kept waiting, so that a text stays short enough to be prepared once.
const STATEMENTS_MAX: usize = 16;

/// By which a statement that must touch a row fails on PostgreSQL: a division by zero.
const DIVISION_BY_ZERO: &str = "22012";
/// And on SQLite: the largest number and one more.
const OVERFLOW: &str = "integer overflow";
const OVERFLOW_IF_UNTOUCHED: &str = " select abs(-9223372036854775807 - (changes() = 0));";

/// Statements on their way.
#[derive(Debug)]
pub(crate) struct Batch {
    backend: DbBackend,
    sql: SqlWriterValues,
    statements: usize,
    /// The numbers of those that must touch a row.
    required: Vec<usize>,
}

impl Batch {
    pub fn new(backend: DbBackend) -> Self {
        let sql = match backend {
            DbBackend::Postgres => SqlWriterValues::new("$", true),
            _ => SqlWriterValues::new("?", false),
        };
        Self {
            backend,
            sql,
            statements: 0,
            required: Vec::new(),
        }
    }

    /// Adds a statement; all of them fail if it is `required` to touch a row and touches none.
    pub fn add(&mut self, statement: &impl QueryStatementBuilder, required: bool) {
        self.statements += 1;
        self.write(statement, required)
            .expect("a string takes any text");
    }

    fn write(&mut self, statement: &impl QueryStatementBuilder, required: bool) -> fmt::Result {
        let Self {
            sql,
            statements: number,
            ..
        } = self;
        if self.backend == DbBackend::Postgres {
            match number {
                1 => write!(sql, "with part_1 as (")?,
                _ => write!(sql, ", part_{number} as (")?,
            }
            statement.build_collect_any_into(&PostgresQueryBuilder, sql);
            if required {
                self.required.push(*number);
                write!(sql, " returning 1")?;
            }
            write!(sql, ")")
        } else {
            statement.build_collect_any_into(&SqliteQueryBuilder, sql);
            write!(sql, ";")?;
            if required {
                write!(sql, "{OVERFLOW_IF_UNTOUCHED}")?;
            }
            Ok(())
        }
    }

    /// Adds a word that follows them on SQLite, in the same text.
    pub fn then(&mut self, word: &'static str) {
        self.statements += 1;
        write!(self.sql, " {word};").expect("a string takes any text");
    }

    pub fn is_full(&self) -> bool {
        self.statements >= STATEMENTS_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// Executes all of them. On PostgreSQL this is one statement, whole or not at all even
    /// outside a transaction.
    ///
    /// # Errors
    /// [`DbErr::RecordNotUpdated`] if one that was required to touched no row.
    pub async fn send(self, db: &mut Connection) -> Result<(), DbErr> {
        if self.is_empty() {
            return Ok(());
        }
        let (mut text, values) = self.sql.into_parts();
        if self.backend == DbBackend::Postgres {
            let checks = self.required.iter();
            let checks = checks.map(|part| format!("1 / (select count(*) from part_{part})"));
            let checks: Vec<_> = std::iter::once("1".to_owned()).chain(checks).collect();
            text = format!("{text} select {}", checks.join(", "));
        }
        let statement = Statement::from_sql_and_values(self.backend, text, values.0);
        db.execute(statement).await.map(drop).map_err(untouched)
    }
}

fn untouched(error: DbErr) -> DbErr {
    let (DbErr::Query(RuntimeErr::SqlxError(cause)) | DbErr::Exec(RuntimeErr::SqlxError(cause))) =
        &error
    else {
        return error;
    };
    let untouched = cause.as_database_error().is_some_and(|cause| {
        cause.code().as_deref() == Some(DIVISION_BY_ZERO) || cause.message() == OVERFLOW
    });
    if untouched {
        DbErr::RecordNotUpdated
    } else {
        error
    }
}

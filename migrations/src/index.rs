//! An index that is added to a table with rows.
//!
//! PostgreSQL builds it beside those who write, which no transaction may do and which leaves an
//! index that is not valid if it ends midway: it costs at every write, a unique one refuses
//! writes too, and no query uses it. So what is not valid is dropped and built anew.

use sea_orm::sea_query::{Index, IndexCreateStatement, IndexDropStatement, PostgresQueryBuilder};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sea_orm_migration::SchemaManager;

use crate::session::LockSession;

/// An index to be.
pub(crate) struct NewIndex {
    name: &'static str,
    of: fn(DbBackend) -> IndexCreateStatement,
}

impl NewIndex {
    pub fn new(name: &'static str, of: fn(DbBackend) -> IndexCreateStatement) -> Self {
        Self { name, of }
    }

    fn statement(&self, backend: DbBackend) -> IndexCreateStatement {
        (self.of)(backend).name(self.name).to_owned()
    }

    /// Creates it in a transaction, as SQLite does: whoever writes waits anyway.
    pub async fn create(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let statement = self.statement(manager.get_database_backend());
        manager.create_index(statement).await
    }

    /// Drops it in a transaction.
    pub async fn take_back(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        manager.drop_index(self.dropped()).await
    }

    /// Builds it on PostgreSQL while others read and write, unless it is there and valid.
    ///
    /// It waits for whoever wrote to the table, and for whoever may still look at it as it was:
    /// as long as the longest transaction of the database lasts.
    pub async fn build(&self, session: &LockSession) -> Result<(), DbErr> {
        if self.drop_if_invalid(session).await? == Some(true) {
            return Ok(());
        }
        let mut statement = self.statement(DbBackend::Postgres);
        let create = statement.concurrently().to_string(PostgresQueryBuilder);
        let built = session.run_unbounded(&create).await;
        if built.is_err()
            && let Err(error) = self.drop_if_invalid(session).await
        {
            let index = self.name;
            tracing::warn!(index, %error, "The index {index} is left behind, not valid; the next attempt drops it");
        }
        built
    }

    /// Whether it is there and valid; `None` when it is not there, now.
    async fn drop_if_invalid(&self, session: &LockSession) -> Result<Option<bool>, DbErr> {
        let question = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "select indisvalid from pg_index where indexrelid = to_regclass(quote_ident($1))",
            [self.name.into()],
        );
        let Some(row) = session.connection().query_one_raw(question).await? else {
            return Ok(None);
        };
        if row.try_get_by_index(0)? {
            return Ok(Some(true));
        }
        let drop = self
            .dropped()
            .concurrently()
            .to_string(PostgresQueryBuilder);
        session.run_unbounded(&drop).await?;
        Ok(None)
    }

    fn dropped(&self) -> IndexDropStatement {
        Index::drop().name(self.name).if_exists().to_owned()
    }
}

//! The connections to read from.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::pinned::{Lease, Pinned};

/// Connections to read from, which refuse every write. Each statement sees what was committed before it.
#[derive(Clone, Debug)]
pub struct Reader(pub(crate) Pinned);

/// Runs one statement on a connection of its own.
macro_rules! run {
    ($reader:expr, $connection:ident => $act:expr) => {{
        let mut lease: Lease = $reader.0.lease().await?;
        let $connection = lease.connection();
        let answer = $act.await;
        if answer.is_ok() {
            lease.done();
        }
        answer
    }};
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.0.options().backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        run!(self, connection => connection.execute(statement))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        run!(self, connection => connection.execute_unprepared(sql))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        run!(self, connection => connection.query_one(statement))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        run!(self, connection => connection.query_all(statement))
    }
}

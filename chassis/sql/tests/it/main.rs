//! What this crate promises, on SQLite and on PostgreSQL alike.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod connect;
mod defer;
mod fault;
mod guarded;
mod idempotency;
mod load;
mod measure;
mod page;
mod plans;
mod power;
mod retry;
mod rivals;
mod share;
mod write;

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::SchemaManager;
use sql::Database;
use testkit::Engine;
use testkit::database::TestDatabase;

/// A database with the tables of these tests.
async fn on(engine: Engine) -> TestDatabase {
    testkit::database::on(engine, "store", tables).await
}

/// One on each engine.
async fn both() -> [TestDatabase; 2] {
    [on(Engine::Sqlite).await, on(Engine::Postgres).await]
}

async fn tables(db: &Database) -> Result<(), DbErr> {
    let schema = db.schema_connection();
    sql::schema::idempotency_keys(&SchemaManager::new(&schema)).await?;
    schema.close().await?;
    let txn = db.begin_write().await?;
    txn.execute_unprepared("create table counters (name text primary key, value bigint not null)")
        .await?;
    for name in ["a", "b"] {
        txn.execute_unprepared(&format!("insert into counters values ('{name}', 0)"))
            .await?;
    }
    txn.commit().await
}

/// Returns the counter `name`.
async fn read(db: &impl ConnectionTrait, name: &str) -> Result<i64, DbErr> {
    let sql = format!("select value from counters where name = '{name}'");
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(name.into()))?
        .try_get("", "value")
}

/// Sets the counter `name`.
async fn set(db: &impl ConnectionTrait, name: &str, value: i64) -> Result<(), DbErr> {
    let sql = format!("update counters set value = {value} where name = '{name}'");
    db.execute_unprepared(&sql).await.map(drop)
}

//! The tables of a checkout for whoever stands beside Stoa: one database for each of its three
//! services, less than Stoa keeps in them; and the count of what the checkouts left there.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sea_orm::sqlx::{AssertSqlSafe, Connection, PgConnection, Row, raw_sql};
use testkit::postgres::Server;

/// How many products there are, `SKU-000` and up, a million pieces of each.
pub const PRODUCTS: u64 = 200;
/// What a piece costs, in minor units.
pub const PRICE: i64 = 1_999;

/// The databases, each with its tables on PostgreSQL and on SQLite.
const DATABASES: [(&str, &str, &str); 3] = [
    (
        "orders",
        include_str!("tables/postgres/orders.sql"),
        include_str!("tables/sqlite/orders.sql"),
    ),
    (
        "inventory",
        include_str!("tables/postgres/inventory.sql"),
        include_str!("tables/sqlite/inventory.sql"),
    ),
    (
        "payment",
        include_str!("tables/postgres/payment.sql"),
        include_str!("tables/sqlite/payment.sql"),
    ),
];

/// The databases of a program with a query of each, for both engines. It returns what must be the
/// number of checkouts, twice, and what must be zero.
pub type Effects = [(&'static str, &'static str); 3];

/// What a right checkout of one piece leaves in the tables above.
pub const EFFECTS: Effects = [
    (
        "orders",
        "select count(*), count(case when status = 'CONFIRMED' then 1 end), \
         cast(coalesce(sum(total_minor - quantity * 1999), 0) as bigint) from orders",
    ),
    (
        "inventory",
        "select (select count(*) from reservations where state = 'COMMITTED'), \
         cast(sum(committed) as bigint), cast(sum(reserved) as bigint) from stock_levels",
    ),
    (
        "payment",
        "select (select count(*) from payments where amount = 1999), \
         count(distinct transaction_id), \
         cast(coalesce(sum(minor_units), 0) as bigint) from ledger_entries",
    ),
];

/// The same in the tables of Stoa, of a shop that sold nothing before.
pub const EFFECTS_OF_STOA: Effects = [
    (
        "order",
        "select count(*), count(case when status = 3 then 1 end), \
         cast(coalesce(sum(piece_count), 0) as bigint) - count(*) from orders",
    ),
    (
        "inventory",
        "select (select count(*) from reservations where state = 'committed'), \
         cast(sum(committed) as bigint), cast(sum(reserved) as bigint) from stock_levels",
    ),
    (
        "payment",
        "select (select count(*) from payments where transaction_id is not null), \
         count(distinct transaction_id), \
         cast(coalesce(sum(minor_units), 0) as bigint) from ledger_entries",
    ),
];

/// Where a program keeps its books: the files of a folder, or the databases of a server.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// On SQLite.
    Folder(&'a Path),
    /// On PostgreSQL.
    Server(&'a Server),
}

impl Place<'_> {
    /// Asserts that `confirmed` checkouts of one piece each left what they should, no more.
    ///
    /// # Errors
    /// They did not.
    pub async fn check(self, effects: &Effects, confirmed: u64) -> anyhow::Result<()> {
        for (name, query) in effects {
            let counted: [i64; 3] = match self {
                Self::Folder(folder) => {
                    let connection = rusqlite::Connection::open(file_of(folder, name))?;
                    connection
                        .query_row(query, (), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
                }
                Self::Server(server) => {
                    let mut connection = PgConnection::connect(&server.url(name)).await?;
                    let row = raw_sql(*query).fetch_one(&mut connection).await?;
                    connection.close().await?;
                    [row.try_get(0)?, row.try_get(1)?, row.try_get(2)?]
                }
            };
            let expected = [i64::try_from(confirmed)?, i64::try_from(confirmed)?, 0];
            ensure!(
                counted == expected,
                "{confirmed} checkouts left {counted:?} in {name}, where this counts: {query}"
            );
        }
        Ok(())
    }
}

/// Makes the databases and tables on a server that has none.
///
/// # Errors
/// The server refuses.
pub async fn create_postgres(server: &Server) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(&server.url("postgres")).await?;
    for (name, tables, _) in DATABASES {
        let create = AssertSqlSafe(format!("create database {name}"));
        raw_sql(create).execute(&mut admin).await?;
        let mut connection = PgConnection::connect(&server.url(name)).await?;
        raw_sql(tables).execute(&mut connection).await?;
        connection.close().await?;
    }
    Ok(admin.close().await?)
}

/// Makes the files and tables in an empty folder.
///
/// # Errors
/// They cannot be made.
pub fn create_sqlite(folder: &Path) -> anyhow::Result<()> {
    for (name, _, tables) in DATABASES {
        let connection = rusqlite::Connection::open(file_of(folder, name))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(tables)?;
    }
    Ok(())
}

/// Where a server's databases are, without a name of one.
///
/// # Errors
/// The URL has no name in it.
pub fn origin_of(server: &Server) -> anyhow::Result<String> {
    let url = server.url("postgres");
    let origin = url.rsplit_once('/').context("a URL ends with a database")?;
    Ok(origin.0.to_owned())
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.db"))
}

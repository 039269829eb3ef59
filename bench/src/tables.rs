//! The tables of a checkout for whoever stands beside Stoa: one database for each of its three
//! services, less than Stoa keeps in them; and the count of what the checkouts left there.

use std::path::Path;

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

/// What a right checkout leaves, in each database; both engines understand it.
const EFFECTS: [(&str, &str, &[&str]); 3] = [
    (
        "orders",
        "select count(*), sum(case when status = 'CONFIRMED' then 1 else 0 end), \
         cast(coalesce(sum(total_minor), 0) as bigint) from orders",
        &["orders", "confirmed orders", "minor units ordered"],
    ),
    (
        "inventory",
        "select cast(sum(reserved) as bigint), cast(sum(committed) as bigint), \
         (select count(*) from reservations where state = 'COMMITTED') from stock_levels",
        &["pieces on hold", "pieces sold", "holds made final"],
    ),
    (
        "payment",
        "select (select count(*) from payments), \
         cast(coalesce(sum(minor_units), 0) as bigint), \
         cast(coalesce(sum(case when minor_units > 0 then minor_units end), 0) as bigint) \
         from ledger_entries",
        &["payments", "minor units out of balance", "minor units paid"],
    ),
];

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
        let connection = rusqlite::Connection::open(folder.join(format!("{name}.db")))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(tables)?;
    }
    Ok(())
}

/// Asserts that `confirmed` checkouts of one piece each left what they should, and nothing else.
///
/// # Errors
/// They did not.
pub async fn check_postgres(server: &Server, confirmed: u64) -> anyhow::Result<()> {
    for (name, query, meanings) in EFFECTS {
        let mut connection = PgConnection::connect(&server.url(name)).await?;
        let row = raw_sql(query).fetch_one(&mut connection).await?;
        let counted = [row.try_get(0)?, row.try_get(1)?, row.try_get(2)?];
        check(name, counted, meanings, confirmed)?;
        connection.close().await?;
    }
    Ok(())
}

/// The same of the files in a folder.
///
/// # Errors
/// They did not.
pub fn check_sqlite(folder: &Path, confirmed: u64) -> anyhow::Result<()> {
    for (name, query, meanings) in EFFECTS {
        let connection = rusqlite::Connection::open(folder.join(format!("{name}.db")))?;
        let counted =
            connection.query_row(query, (), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        check(name, counted, meanings, confirmed)?;
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

fn check(name: &str, counted: [i64; 3], meanings: &[&str], confirmed: u64) -> anyhow::Result<()> {
    let pieces = i64::try_from(confirmed)?;
    let expected = match name {
        "orders" => [pieces, pieces, pieces * PRICE],
        "inventory" => [0, pieces, pieces],
        _ => [pieces, 0, pieces * PRICE],
    };
    ensure!(
        counted == expected,
        "{confirmed} checkouts left {meanings:?} of {counted:?}, not {expected:?}"
    );
    Ok(())
}

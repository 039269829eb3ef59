//! What a database remembers of its own changes: their names, when they came, and which older
//! programs each of them was made for too. The table is that of the library, with a column more.

use clock::Clock;
use sea_orm::sea_query::{ColumnDef, Expr, ExprTrait, Order, Query, Table};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::change::Change;

const TABLE: &str = "seaql_migrations";
const VERSION: &str = "version";
const APPLIED_AT: &str = "applied_at";
const DOWN_TO: &str = "down_to";
const REACH: &str = "reach";

/// A change that a database has.
#[derive(Debug)]
pub(crate) struct Applied {
    pub name: String,
    /// Programs that know this change may use the database; none is named by programs that did
    /// not say so yet.
    pub down_to: Option<String>,
}

/// Returns the changes that the database has, oldest first. It changes nothing: who asks may
/// only read.
pub(crate) async fn applied(db: &impl ConnectionTrait) -> Result<Vec<Applied>, DbErr> {
    let Some(told) = has_down_to(db).await? else {
        return Ok(Vec::new());
    };
    let mut query = Query::select();
    query
        .column(VERSION)
        .from(TABLE)
        .order_by(VERSION, Order::Asc);
    if told {
        // By another name: to a connection of SQLite that saw the table without the column, its own
        // is that of a text.
        query.expr_as(Expr::col(DOWN_TO), REACH);
    }
    let rows = db.query_all(&query).await?;
    let read = |row: &sea_orm::QueryResult| {
        let down_to = if told { row.try_get("", REACH)? } else { None };
        let name = row.try_get("", VERSION)?;
        Ok(Applied { name, down_to })
    };
    rows.iter().map(read).collect()
}

/// Makes the table, or adds what an older program's lacks.
pub(crate) async fn prepare(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let mut down_to = ColumnDef::new(DOWN_TO);
    down_to.text().null();
    match has_down_to(db).await? {
        Some(true) => Ok(()),
        Some(false) => {
            let alter = Table::alter().table(TABLE).add_column(down_to).take();
            db.execute(&alter).await.map(drop)
        }
        None => {
            let create = Table::create()
                .table(TABLE)
                .col(ColumnDef::new(VERSION).string().not_null().primary_key())
                .col(ColumnDef::new(APPLIED_AT).big_integer().not_null())
                .col(down_to)
                .take();
            db.execute(&create).await.map(drop)
        }
    }
}

/// Notes that a change was made.
pub(crate) async fn add(db: &impl ConnectionTrait, change: &Change) -> Result<(), DbErr> {
    let now = Clock::system().now().timestamp();
    let insert = Query::insert()
        .into_table(TABLE)
        .columns([VERSION, APPLIED_AT, DOWN_TO])
        .values_panic([change.name().into(), now.into(), change.down_to.into()])
        .take();
    db.execute(&insert).await.map(drop)
}

/// Notes that a change was taken back.
pub(crate) async fn remove(db: &impl ConnectionTrait, change: &Change) -> Result<(), DbErr> {
    let delete = Query::delete()
        .from_table(TABLE)
        .and_where(Expr::col(VERSION).eq(change.name()))
        .take();
    db.execute(&delete).await.map(drop)
}

/// Whether the notes say down to which program a change reaches; `None` when there are no notes.
async fn has_down_to(db: &impl ConnectionTrait) -> Result<Option<bool>, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        // A pragma would tell of the schema as this connection last saw it.
        DbBackend::Sqlite => format!(
            "select instr(sql, '{DOWN_TO}') > 0 as told from sqlite_master where name = '{TABLE}'"
        ),
        _ => format!(
            "select exists (select 1 from pg_attribute where attrelid = pg_class.oid \
             and attname = '{DOWN_TO}' and not attisdropped) as told \
             from pg_class where oid = to_regclass('{TABLE}')"
        ),
    };
    let row = db
        .query_one_raw(Statement::from_string(backend, sql))
        .await?;
    row.map(|row| row.try_get("", "told")).transpose()
}

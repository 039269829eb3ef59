//! Changes beside those who serve, with lists of these tests' own.

use std::time::Duration;

use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};
use sql::{Database, Engine};
use testkit::both_engines;
use testkit::database::TestDatabase;
use tokio::time::{Instant, sleep};

use crate::bookkeeping::{self, Applied};
use crate::change::{Change, Work};
use crate::session::LockSession;
use crate::state::{SchemaState, compare};
use crate::{Error, LOCK, WAIT_MAX, apply};

/// Two tables.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "m0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["things", "neighbours"] {
            let table = Table::create()
                .table(table)
                .col(ColumnDef::new("id").big_integer().not_null().primary_key())
                .col(ColumnDef::new("name").text().not_null())
                .take();
            manager.create_table(table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["things", "neighbours"] {
            let table = Table::drop().table(table).take();
            manager.drop_table(table).await?;
        }
        Ok(())
    }
}

/// A change that must have a table for itself, for a moment.
struct Widened;

impl MigrationName for Widened {
    fn name(&self) -> &str {
        "m0002_widened"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Widened {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = ColumnDef::new("note");
        let alter = Table::alter()
            .table("things")
            .add_column(column.text().null())
            .take();
        manager.alter_table(alter).await
    }
}

/// A change that would hold its table for longer than anybody waits.
struct Endless;

impl MigrationName for Endless {
    fn name(&self) -> &str {
        "m0002_endless"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Endless {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Widened.up(manager).await?;
        let db = manager.get_connection();
        db.execute_unprepared("select pg_sleep(4)").await?;
        db.execute_unprepared("select pg_sleep(4)").await?;
        Ok(())
    }
}

fn first() -> Vec<Change> {
    vec![Change::statements(First, "m0001_first")]
}

fn widened() -> Vec<Change> {
    let mut changes = first();
    changes.push(Change::statements(Widened, "m0001_first"));
    changes
}

fn indexed() -> Vec<Change> {
    let index = |_| Index::create().unique().table("things").col("name").take();
    let mut changes = first();
    changes.push(Change::index("m0002_things_name", "m0001_first", index));
    changes
}

/// What the changes are made in, with the first of them.
async fn on(engine: Engine) -> TestDatabase {
    testkit::database::on(engine, "first", async |db| {
        apply::up(db, &first(), WAIT_MAX).await.map_err(told)
    })
    .await
}

async fn postgres() -> TestDatabase {
    on(Engine::Postgres).await
}

fn told(error: Error) -> String {
    format!("{error}: {:?}", std::error::Error::source(&error))
}

async fn write(db: &Database, sql: &str) {
    let txn = db.begin_write().await.unwrap();
    txn.execute_unprepared(sql).await.unwrap();
    txn.commit().await.unwrap();
}

/// The first column of the first row, as text.
async fn ask(db: &Database, sql: &str) -> Option<String> {
    let backend = db.read().get_database_backend();
    let statement = Statement::from_string(backend, sql);
    let row = db.read().query_one_raw(statement).await.unwrap();
    row.map(|row| row.try_get_by_index(0).unwrap())
}

/// Waits until a question about the server has an answer.
async fn until(db: &Database, sql: &str) {
    let patience = Instant::now() + Duration::from_secs(20);
    while ask(db, sql).await.is_none() {
        assert!(Instant::now() < patience, "never: {sql}");
        sleep(Duration::from_millis(20)).await;
    }
}

const VALID: &str =
    "select indisvalid::text from pg_index where indexrelid = 'things_name'::regclass";
const WRITERS: &str = "select phase from pg_stat_progress_create_index \
     where datname = current_database() and phase = 'waiting for writers before build'";
const SNAPSHOTS: &str = "select phase from pg_stat_progress_create_index \
     where datname = current_database() and phase = 'waiting for old snapshots'";
const ASKED: &str = "select 'asked' from pg_stat_activity where datname = current_database() \
     and application_name like '% schema' and query like '%advisory_lock%'";

/// An index is built beside transactions that are open: they wrote the table, wrote its
/// neighbour, read the table. A second who migrates meanwhile, and was there before the index was
/// begun to be checked, does not hold it up, nor do it again.
///
/// row: O-05
#[tokio::test]
async fn an_index_is_built_while_others_read_and_write() {
    let db = postgres().await;
    write(&db, "insert into things values (1, 'a'), (2, 'b')").await;
    let busy = async |sql: &str| {
        let txn = db.begin_write().await.unwrap();
        txn.execute_unprepared(sql).await.unwrap();
        txn
    };
    let reader = busy("select * from things").await;
    let neighbour = busy("insert into neighbours values (1, 'a')").await;
    let writer = busy("insert into things values (3, 'c')").await;
    let migrate = || {
        let db = db.database.clone();
        tokio::spawn(async move { apply::up(&db, &indexed(), WAIT_MAX).await.map_err(told) })
    };
    let builder = migrate();
    until(&db, WRITERS).await;
    let second = migrate();
    until(&db, ASKED).await;
    writer.commit().await.unwrap();
    until(&db, SNAPSHOTS).await;
    // Those who serve go on meanwhile, on the very table.
    write(&db, "insert into things values (4, 'd')").await;
    assert!(!builder.is_finished() && !second.is_finished());
    neighbour.commit().await.unwrap();
    reader.commit().await.unwrap();
    let mut made = [builder.await.unwrap(), second.await.unwrap()].map(Result::unwrap);
    made.sort();
    assert_eq!(made, [vec![], vec!["m0002_things_name".to_owned()]]);
    assert_eq!(ask(&db, VALID).await.as_deref(), Some("true"));
}

/// What a crash leaves behind does not pass for the index.
///
/// row: O-05
#[tokio::test]
async fn an_index_that_is_not_valid_is_built_anew() {
    let db = postgres().await;
    write(&db, "insert into things values (1, 'same'), (2, 'same')").await;
    let session = LockSession::open(&db).unwrap();
    let broken = "create unique index concurrently things_name on things (name)";
    session.run_unbounded(broken).await.unwrap_err();
    assert_eq!(ask(&db, VALID).await.as_deref(), Some("false"));
    session.close().await.unwrap();

    // As long as the rows are wrong it cannot be; what failed does not stay to refuse rows.
    let failed = apply::up(&db, &indexed(), WAIT_MAX).await.unwrap_err();
    assert!(told(failed).contains("things_name"));
    let left = "select 'left' from pg_class where relname = 'things_name'";
    assert_eq!(ask(&db, left).await, None);
    assert_eq!(bookkeeping::applied(db.read()).await.unwrap().len(), 1);

    let session = LockSession::open(&db).unwrap();
    session.run_unbounded(broken).await.unwrap_err();
    session.close().await.unwrap();
    write(&db, "update things set name = 'other' where id = 2").await;
    let made = apply::up(&db, &indexed(), WAIT_MAX).await.unwrap();
    assert_eq!(made, ["m0002_things_name"]);
    assert_eq!(ask(&db, VALID).await.as_deref(), Some("true"));
}

/// One who was killed between the index and the note of it finds it done.
#[both_engines]
async fn an_index_that_is_there_is_only_noted(engine: Engine) {
    let db = on(engine).await;
    if db.engine() == Engine::Postgres {
        write(&db, "create unique index things_name on things (name)").await;
    }
    let made = apply::up(&db, &indexed(), WAIT_MAX).await.unwrap();
    assert_eq!(made, ["m0002_things_name"]);
    let again = apply::up(&db, &indexed(), WAIT_MAX).await.unwrap();
    assert_eq!(again, Vec::<String>::new());
    apply::down(&db, &indexed(), WAIT_MAX).await.unwrap();
}

/// row: O-05
#[tokio::test]
async fn who_cannot_get_the_lock_says_so_and_changes_nothing() {
    let db = postgres().await;
    let holder = LockSession::open(&db).unwrap();
    assert!(holder.try_lock(LOCK).await.unwrap());
    let wait = Duration::from_millis(300);
    let refused = apply::up(&db, &indexed(), wait).await.unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains("another program is migrating"));
    assert_eq!(bookkeeping::applied(db.read()).await.unwrap().len(), 1);
    holder.close().await.unwrap();
    apply::up(&db, &indexed(), WAIT_MAX).await.unwrap();
}

/// A change that needs a table for itself waits for it a moment at a time, so that those who come
/// behind it are served meanwhile.
///
/// row: O-05
#[tokio::test]
async fn a_change_stops_nobody_for_long_while_it_waits_for_a_table() {
    let db = postgres().await;
    let reader = db.begin_write().await.unwrap();
    let read = "select count(*)::text from things";
    reader.execute_unprepared(read).await.unwrap();
    let migrator = tokio::spawn({
        let db = db.database.clone();
        async move { apply::up(&db, &widened(), WAIT_MAX).await.map_err(told) }
    });
    let waiting = "select 'waits' from pg_stat_activity where datname = current_database() \
         and application_name like '% schema' and wait_event_type = 'Lock'";
    for _ in 0..3 {
        until(&db, waiting).await;
        let asked = Instant::now();
        assert_eq!(ask(&db, read).await.as_deref(), Some("0"));
        let held = asked.elapsed();
        assert!(held < Duration::from_secs(2), "stopped for {held:?}");
    }
    assert!(!migrator.is_finished());
    reader.rollback().await.unwrap();
    assert_eq!(migrator.await.unwrap().unwrap(), ["m0002_widened"]);
}

/// Who serves would wait for the table until then.
///
/// row: O-05
#[tokio::test]
async fn a_change_that_holds_a_table_for_too_long_is_taken_back() {
    let db = postgres().await;
    let mut changes = first();
    changes.push(Change::statements(Endless, "m0001_first"));
    let begun = Instant::now();
    let refused = apply::up(&db, &changes, WAIT_MAX).await.unwrap_err();
    assert!(matches!(refused, Error::Slow { .. }), "{}", told(refused));
    // The server let go, too, and not at the end of the statement under way.
    let mut free = Err(DbErr::RecordNotInserted);
    while free.is_err() && begun.elapsed() < Duration::from_millis(7500) {
        let txn = db.begin_write().await.unwrap();
        let insert = "insert into things values (1, 'a')";
        free = txn.execute_unprepared(insert).await;
        if free.is_ok() {
            txn.commit().await.unwrap();
        }
    }
    free.unwrap();
    assert_eq!(bookkeeping::applied(db.read()).await.unwrap().len(), 1);
    let again = apply::up(&db, &widened(), WAIT_MAX).await.unwrap();
    assert_eq!(again, ["m0002_widened"]);
}

/// A table that an older program made for its notes is completed, and its rows stay.
#[both_engines]
async fn notes_of_older_programs_are_completed(engine: Engine) {
    let db = on(engine).await;
    write(&db, "alter table seaql_migrations drop column down_to").await;
    let before = bookkeeping::applied(db.read()).await.unwrap();
    assert!(before.iter().all(|change| change.down_to.is_none()));
    assert_eq!(compare(&first(), &before), SchemaState::Current);
    apply::up(&db, &indexed(), WAIT_MAX).await.unwrap();
    let after = bookkeeping::applied(db.read()).await.unwrap();
    let told: Vec<_> = after.iter().map(|it| it.down_to.as_deref()).collect();
    assert_eq!(told, [None, Some("m0001_first")]);
    // The program of before goes on with it, and takes nothing of it back.
    assert!(matches!(compare(&first(), &after), SchemaState::Ahead(_)));
    let none = apply::up(&db, &first(), WAIT_MAX).await.unwrap();
    assert_eq!(none, Vec::<String>::new());
    let refused = apply::down(&db, &first(), WAIT_MAX).await.unwrap_err();
    assert!(matches!(refused, Error::Incompatible { .. }), "{refused}");
    let left = bookkeeping::applied(db.read()).await.unwrap();
    assert_eq!(left.len(), after.len());
}

#[test]
fn a_program_goes_on_where_every_unknown_change_reaches_down_to_it() {
    let there = |name: &str, down_to: Option<&str>| Applied {
        name: name.to_owned(),
        down_to: down_to.map(str::to_owned),
    };
    let of = |unknown: Vec<Applied>| {
        let known = indexed();
        let known = known.iter().map(|it| there(it.name(), None));
        let applied: Vec<Applied> = known.chain(unknown).collect();
        compare(&indexed(), &applied)
    };
    assert_eq!(of(vec![]), SchemaState::Current);
    let reaching = || there("m0003_a", Some("m0001_first"));
    assert!(matches!(of(vec![reaching()]), SchemaState::Ahead(_)));
    let just = there("m0004_b", Some("m0002_things_name"));
    assert!(matches!(of(vec![reaching(), just]), SchemaState::Ahead(_)));
    for (too_new, why) in [
        (there("m0004_b", Some("m0003_a")), "since m0003_a"),
        (there("m0004_b", None), "names no older program"),
    ] {
        let SchemaState::Incompatible(newer) = of(vec![reaching(), too_new]) else {
            panic!("{why} is no obstacle");
        };
        let text = newer.to_string();
        assert!(text.contains(why), "{text}");
        assert!(text.contains("m0004_b") && text.contains("m0002_things_name"));
    }
    // Two programs that grew apart: neither may change what the other made.
    let apart = [there("m0001_first", None), reaching()];
    let SchemaState::Incompatible(newer) = compare(&indexed(), &apart) else {
        panic!("it may not be migrated");
    };
    assert!(newer.to_string().contains("lacks m0002_things_name"));
}

/// Each list is in order, and each change reaches down to itself or an earlier one.
#[test]
fn every_change_says_which_programs_it_was_made_for() {
    for service in crate::services() {
        let changes = crate::list(service).unwrap();
        let names: Vec<&str> = changes.iter().map(Change::name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for (place, change) in changes.iter().enumerate() {
            let down_to = names.iter().position(|name| *name == change.down_to);
            assert!(down_to.is_some_and(|it| it <= place), "{}", change.name());
        }
    }
}

/// The one change that landed before indexes were built beside writers.
const LANDED: &str = "m0002_indexes";

/// An index that a change adds to a table by a statement would stop all who write to it.
///
/// row: O-05
#[tokio::test]
async fn no_change_adds_an_index_by_a_statement() {
    for service in crate::services() {
        let db = testkit::database::postgres("bare", async |_| Ok::<_, Error>(())).await;
        let changes = crate::list(service).unwrap();
        for made in 1..=changes.len() {
            let tables = all(
                &db,
                "select relname::text from pg_class where relkind = 'r'",
            )
            .await;
            let indexes = indexes(&db).await;
            // One list is as long as the program was then.
            let then = &changes[..made];
            apply::up(&db, then, WAIT_MAX).await.map_err(told).unwrap();
            let change = &changes[made - 1];
            if matches!(change.work, Work::Index(_)) || change.name() == LANDED {
                continue;
            }
            for index in self::indexes(&db).await {
                let table = index.split_once(' ').unwrap().0.to_owned();
                assert!(
                    indexes.contains(&index) || !tables.contains(&table),
                    "{}: use Change::index for {index}",
                    change.name()
                );
            }
        }
    }
}

async fn indexes(db: &Database) -> Vec<String> {
    all(db, "select tablename || ' ' || indexname from pg_indexes").await
}

async fn all(db: &Database, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let rows = db.read().query_all_raw(statement).await.unwrap();
    let first = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
    first.collect()
}

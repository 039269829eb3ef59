//! Every service's schema on both engines: there and back, and many at once.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod session;

use migrations::{Error, SchemaState};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sql::Database;

/// A database of `service` on each engine, with nothing in it.
async fn empty(service: &'static str) -> [testkit::database::TestDatabase; 2] {
    testkit::database::both(service, async |_| Ok::<_, std::fmt::Error>(())).await
}

/// row: E13
#[tokio::test]
async fn every_list_goes_up_down_and_up_again() {
    for service in migrations::services() {
        for db in empty(service).await {
            assert!(matches!(
                migrations::state(&db, service).await.unwrap(),
                SchemaState::Behind(_)
            ));
            let before = schema(&db).await;
            let made = migrations::up(&db, service).await.unwrap();
            assert!(!made.is_empty(), "{service} has no change");
            assert_eq!(
                migrations::state(&db, service).await.unwrap(),
                SchemaState::Current
            );
            let after = schema(&db).await;
            assert_ne!(before, after);

            migrations::down(&db, service).await.unwrap();
            let left: Vec<_> = schema(&db)
                .await
                .into_iter()
                .filter(|n| !before.contains(n))
                .collect();
            let own =
                |name: &String| !name.contains("seaql_migrations") && !name.contains("sqlite_");
            assert_eq!(
                left.iter().find(|name| own(name)),
                None,
                "{service} leaves something behind"
            );

            assert_eq!(migrations::up(&db, service).await.unwrap(), made);
            assert_eq!(
                schema(&db).await,
                after,
                "{service} differs the second time"
            );
            assert_eq!(
                migrations::up(&db, service).await.unwrap(),
                Vec::<String>::new()
            );
        }
    }
}

#[tokio::test]
async fn four_at_once_make_the_schema_once() {
    for db in empty("order").await {
        let mut replicas = Vec::new();
        for _ in 0..4 {
            let replica = db.open().await;
            replicas.push(tokio::spawn(async move {
                migrations::up(&replica, "order").await
            }));
        }
        let mut made = 0;
        for replica in replicas {
            made += usize::from(!replica.await.unwrap().unwrap().is_empty());
        }
        assert_eq!(made, 1);
        assert_eq!(
            migrations::state(&db, "order").await.unwrap(),
            SchemaState::Current
        );
    }
}

/// What a later program changed is left alone: used where its changes were made for this program
/// too, refused by name where they were not.
///
/// row: O-05
#[tokio::test]
async fn a_newer_database_is_used_or_refused_as_it_says_itself() {
    for db in empty("order").await {
        migrations::up(&db, "order").await.unwrap();
        plant(&db, "m9998_future", "'m0001_orders'").await;
        let txn = db.begin_write().await.unwrap();
        let column = "alter table orders add column later text";
        txn.execute_unprepared(column).await.unwrap();
        txn.commit().await.unwrap();
        let rows = notes(&db).await;
        let state = migrations::state(&db, "order").await.unwrap();
        assert!(matches!(&state, SchemaState::Ahead(newer) if newer.database == "m9998_future"));
        let made = migrations::up(&db, "order").await.unwrap();
        assert_eq!(made, Vec::<String>::new());

        plant(&db, "m9999_future", "null").await;
        let state = migrations::state(&db, "order").await.unwrap();
        assert!(
            matches!(&state, SchemaState::Incompatible(newer) if newer.database == "m9999_future")
        );
        let error = migrations::up(&db, "order").await.unwrap_err();
        assert!(matches!(error, Error::Incompatible { .. }), "{error}");
        assert!(error.to_string().contains("m9999_future"), "{error}");
        let refused = migrations::down(&db, "order").await.unwrap_err();
        assert!(matches!(refused, Error::Incompatible { .. }), "{refused}");
        assert_eq!(notes(&db).await, rows + 1, "no note is lost");
    }
}

/// Notes a change of a later program, and down to which program it reaches.
async fn plant(db: &Database, name: &str, down_to: &str) {
    let txn = db.begin_write().await.unwrap();
    let note = format!(
        "insert into seaql_migrations (version, applied_at, down_to) values ('{name}', 1, {down_to})"
    );
    txn.execute_unprepared(&note).await.unwrap();
    txn.commit().await.unwrap();
}

async fn notes(db: &Database) -> usize {
    let backend = db.read().get_database_backend();
    let all = Statement::from_string(backend, "select version from seaql_migrations");
    db.read().query_all_raw(all).await.unwrap().len()
}

#[tokio::test]
async fn a_service_without_a_schema_is_an_error() {
    let [db, _] = empty("order").await;
    assert!(matches!(
        migrations::up(&db, "nobody").await,
        Err(Error::UnknownService(_))
    ));
    assert!(matches!(
        migrations::state(&db, "nobody").await,
        Err(Error::UnknownService(_))
    ));
}

/// Returns the definition of every table, column, index and constraint, sorted.
async fn schema(db: &Database) -> Vec<String> {
    let backend = db.read().get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => "select coalesce(sql, name) as definition from sqlite_master",
        _ => {
            "select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
             as definition from information_schema.columns where table_schema = 'public'
             union all select indexdef from pg_indexes where schemaname = 'public'
             union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid)
             from pg_constraint where connamespace = 'public'::regnamespace"
        }
    };
    let rows = db
        .read()
        .query_all_raw(Statement::from_string(backend, sql))
        .await
        .unwrap();
    let mut definitions: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "definition").unwrap())
        .collect();
    definitions.sort();
    definitions
}

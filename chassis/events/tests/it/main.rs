//! Facts and those who watch for them, on SQLite and on PostgreSQL alike.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod outbox;
mod prune;
mod scale;
mod schema;
mod tail;

use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::{Clock, Manual};
use events::{Cursor, Fact, Filter, Next, Origin, Tail, Watch, outbox as facts};
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::SchemaManager;
use sql::{Database, Transaction};
use testkit::Engine;
use testkit::database::TestDatabase;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const TOPICS: &[&str] = &["thing.made", "thing.changed"];
const ALL: Filter = Filter {
    topics: TOPICS,
    key: None,
    subject: None,
};

async fn on(engine: Engine) -> TestDatabase {
    testkit::database::on(engine, "events", async |db: &Database| {
        let schema = db.schema_connection();
        let manager = SchemaManager::new(&schema);
        events::schema::outbox(&manager).await?;
        events::schema::outbox_lanes(&manager).await?;
        schema.close().await
    })
    .await
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// A database, a clock, and a tail that follows.
struct Follower {
    db: Database,
    clock: Clock,
    manual: Manual,
    tail: Tail,
    shutdown: CancellationToken,
}

impl Follower {
    fn new(db: &Database) -> Self {
        let (clock, manual) = Manual::new(start());
        let shutdown = CancellationToken::new();
        let tail = Tail::start(db.clone(), clock.clone(), shutdown.clone());
        Self {
            db: db.clone(),
            clock,
            manual,
            tail,
            shutdown,
        }
    }

    async fn watch(&self, cursor: Option<Cursor>) -> Watch {
        let cursor = cursor.map(|cursor| cursor.to_string()).unwrap_or_default();
        self.tail.watch(ALL, &cursor).await.unwrap()
    }

    /// Commits one fact in a transaction of its own.
    async fn commit(&self, key: &str, version: i64) {
        let txn = self.db.begin_write().await.unwrap();
        push(&txn, &self.clock, fact(key, version)).await.unwrap();
        txn.commit().await.unwrap();
    }
}

fn fact(key: &str, version: i64) -> Fact {
    Fact {
        topic: if version == 1 { TOPICS[0] } else { TOPICS[1] },
        key: key.into(),
        version,
        subject: None,
        data: format!("{key} {version}").into_bytes(),
    }
}

async fn push(txn: &Transaction, clock: &Clock, fact: Fact) -> Result<Uuid, DbErr> {
    facts::push(txn, clock, &Origin::default(), fact).await
}

/// Changes what no function of ours changes.
async fn execute(db: &Database, sql: &str) {
    let txn = db.begin_write().await.unwrap();
    txn.execute_unprepared(sql).await.unwrap();
    txn.commit().await.unwrap();
}

/// Pushes a fact and leaves it written but not committed.
async fn write(txn: &Transaction, clock: &Clock, fact: Fact) {
    push(txn, clock, fact).await.unwrap();
    txn.caught_up().await.unwrap();
}

/// Returns the data of the next fact, which must come soon.
async fn next(watch: &mut Watch) -> String {
    let next = tokio::time::timeout(Duration::from_secs(5), watch.next());
    match next.await.expect("a fact comes").unwrap() {
        Next::Event(fact) => String::from_utf8(fact.data.clone()).unwrap(),
        other => panic!("a fact was expected, not {other:?}"),
    }
}

/// Asserts that nothing comes for a while longer than the tail's pause.
async fn nothing(watch: &mut Watch) {
    let next = tokio::time::timeout(Duration::from_millis(400), watch.next()).await;
    assert!(next.is_err(), "{next:?}");
}

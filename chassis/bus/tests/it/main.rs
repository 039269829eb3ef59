//! Groups that hear facts, on SQLite and on PostgreSQL alike.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod begin;
mod fail;
mod once;
mod over_nats;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bus::{Bus, Condition, Group, Heard, Start, Told, Worker};
use clock::Clock;
use command::Work;
use events::{Cursor, Origin, outbox};
use futures::FutureExt;
use prost::Message;
use proto::event::v1::{UserCreated, UserUpdated};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::SchemaManager;
use sql::Database;
use testkit::database::TestDatabase;
use testkit::{Engine, nats};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long what must come is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// In place of a number of failures: the database never does it in time.
const SLOW: u32 = u32::MAX - 1;

/// One service that tells, and one that hears.
struct Town {
    tells: TestDatabase,
    hears: TestDatabase,
    /// The broker between them, if there is one.
    broker: Option<nats::Broker>,
    /// As whom it is spoken to.
    login: &'static str,
    clock: Clock,
    /// How often the effect of a fact is to fail yet.
    failing: Arc<Mutex<BTreeMap<String, u32>>>,
}

/// What the group does goes wrong on purpose.
#[derive(Debug)]
enum Wrong {
    Db(DbErr),
    Asked,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Asked => f.write_str("it was asked to fail"),
        }
    }
}

impl std::error::Error for Wrong {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Db(error) => Some(error),
            Self::Asked => None,
        }
    }
}

impl From<DbErr> for Wrong {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

impl testkit::Fixture for Town {
    async fn on(engine: Engine) -> Self {
        let tells = testkit::database::on(engine, "user", async |db: &Database| {
            let schema = db.schema_connection();
            let manager = SchemaManager::new(&schema);
            events::schema::outbox(&manager).await?;
            events::schema::outbox_lanes(&manager).await?;
            schema.close().await
        });
        let hears = testkit::database::on(engine, "order", async |db: &Database| {
            let schema = db.schema_connection();
            let manager = SchemaManager::new(&schema);
            events::schema::outbox(&manager).await?;
            events::schema::outbox_lanes(&manager).await?;
            events::schema::consumed(&manager).await?;
            let number = match engine {
                Engine::Sqlite => "integer",
                Engine::Postgres => "bigserial",
            };
            let effects = format!(
                "create table effects (number {number} primary key, thing text, version bigint)"
            );
            schema.execute_unprepared(&effects).await?;
            schema.close().await
        });
        Self {
            tells: tells.await,
            hears: hears.await,
            broker: None,
            login: "",
            clock: Clock::system(),
            failing: Arc::default(),
        }
    }
}

impl Town {
    /// Tells one fact in a transaction of its own.
    async fn tell(&self, key: &str, version: i64) {
        self.tell_all([key.to_owned()], version).await;
    }

    /// Tells a fact about each of these in one transaction.
    async fn tell_all(&self, keys: impl IntoIterator<Item = String>, version: i64) {
        let facts = keys.into_iter().map(|key| fact(&key, version));
        self.push(facts).await;
    }

    async fn tell_bytes(&self, topic: &'static str, key: &str, version: i64, data: Vec<u8>) {
        let fact = events::Fact {
            topic,
            key: key.to_owned(),
            version,
            subject: None,
            data,
        };
        self.push([fact]).await;
    }

    async fn push(&self, facts: impl IntoIterator<Item = events::Fact>) {
        let txn = self.tells.begin_write().await.unwrap();
        let origin = Origin::internal("test");
        outbox::push_all(&txn, &self.clock, &origin, facts)
            .await
            .unwrap();
        txn.commit().await.unwrap();
    }

    fn group(&self, start: Start) -> Group {
        let (of_created, of_updated) = (self.failing.clone(), self.failing.clone());
        Group::new("test", start, &self.hears, &self.clock)
            .hears("user", move |work, told: Told<UserCreated>| {
                act(work, of_created.clone(), told.fact.user_id, told.version).boxed()
            })
            .hears("user", move |work, told: Told<UserUpdated>| {
                act(work, of_updated.clone(), told.fact.user_id, told.version).boxed()
            })
    }

    fn bus(&self) -> Bus {
        match &self.broker {
            None => Bus::default(),
            Some(broker) => Bus::over(broker.url_of(self.login).parse().unwrap()),
        }
    }

    /// Begins to tell and to hear, as a process that starts.
    fn begin(&self, start: Start) -> Process {
        let bus = self.bus();
        let relay = bus.open(&self.tells, &self.clock);
        let group = bus.join(self.group(start));
        Process::of(bus, relay.into_iter().chain([group]))
    }

    /// The place of the last fact.
    async fn last(&self) -> Cursor {
        let facts = outbox::committed(self.tells.read(), u64::from(u32::MAX)).await;
        facts.unwrap().last().unwrap().cursor
    }

    /// What was done, in the order in which it was.
    async fn effects(&self) -> Vec<(String, i64)> {
        let db = self.hears.read();
        let select = "select thing, version from effects order by number";
        let select = Statement::from_string(db.get_database_backend(), select);
        let rows = db.query_all_raw(select).await.unwrap();
        let read = |row: &sea_orm::QueryResult| {
            let thing = row.try_get("", "thing").unwrap();
            (thing, row.try_get("", "version").unwrap())
        };
        rows.iter().map(read).collect()
    }

    /// Waits until so much was done.
    async fn until(&self, effects: usize) -> Vec<(String, i64)> {
        let waiting = async {
            loop {
                let done = self.effects().await;
                if done.len() >= effects {
                    return done;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        match waited {
            Ok(done) => done,
            Err(_) => panic!("of {effects} there are {:?}", self.effects().await),
        }
    }

    /// A number that a query on the hearer's database gives.
    async fn number(&self, query: &str) -> i64 {
        let db = self.hears.read();
        let query = Statement::from_string(db.get_database_backend(), query);
        let row = db.query_one_raw(query).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    async fn run(&self, statement: &str) {
        let schema = self.hears.schema_connection();
        schema.execute_unprepared(statement).await.unwrap();
        schema.close().await.unwrap();
    }
}

/// That somebody was made, or changed.
fn fact(key: &str, version: i64) -> events::Fact {
    let user_id = key.to_owned();
    let (topic, data) = match version {
        1 => {
            let made = UserCreated {
                user_id,
                ..UserCreated::default()
            };
            ("user.created", made.encode_to_vec())
        }
        _ => {
            let changed = UserUpdated {
                user_id,
                ..UserUpdated::default()
            };
            ("user.updated", changed.encode_to_vec())
        }
    };
    events::Fact {
        topic,
        key: key.to_owned(),
        version,
        subject: None,
        data,
    }
}

async fn act(
    work: &mut Work<'_>,
    failing: Arc<Mutex<BTreeMap<String, u32>>>,
    thing: String,
    version: i64,
) -> Result<(), Wrong> {
    let insert = format!("insert into effects (thing, version) values ('{thing}', {version})");
    work.txn.execute_unprepared(&insert).await?;
    if is_slow(&failing, &thing, version) {
        // As of a statement that takes too long.
        let late = DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
        return Err(Wrong::Db(late));
    }
    // After the write, so that a failure has something to undo.
    let mut failing = failing.lock().unwrap_or_else(PoisonError::into_inner);
    match failing.get_mut(&format!("{thing} {version}")) {
        Some(times) if *times == u32::MAX => panic!("it was asked to"),
        Some(times) if *times > 0 => {
            *times -= 1;
            Err(Wrong::Asked)
        }
        _ => Ok(()),
    }
}

fn is_slow(failing: &Mutex<BTreeMap<String, u32>>, thing: &str, version: i64) -> bool {
    let failing = failing.lock().unwrap_or_else(PoisonError::into_inner);
    failing.get(&format!("{thing} {version}")) == Some(&SLOW)
}

/// A process that hears.
struct Process {
    bus: Bus,
    shutdown: CancellationToken,
    running: JoinSet<()>,
    conditions: Vec<Condition>,
}

impl Process {
    fn of(bus: Bus, workers: impl Iterator<Item = Worker>) -> Self {
        let shutdown = CancellationToken::new();
        let (mut running, mut conditions) = (JoinSet::new(), Vec::new());
        for worker in workers {
            running.spawn((worker.task)(shutdown.clone()));
            conditions.push(worker.condition);
        }
        Self {
            bus,
            shutdown,
            running,
            conditions,
        }
    }

    /// Waits until each of its workers waits for something, or none does.
    async fn until_all_wait(&self, wait: bool) {
        let waiting = async {
            while self
                .conditions
                .iter()
                .any(|condition| condition.waits().is_some() != wait)
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{:?}", self.conditions);
    }

    /// Stops as at SIGTERM.
    async fn stop(self) {
        self.shutdown.cancel();
        let stopped = tokio::time::timeout(PATIENCE, self.running.join_all()).await;
        stopped.unwrap();
    }

    /// Waits until the outbox was heard up to there, or published.
    async fn has_come_up_to(&self, place: Cursor) {
        let waiting = async {
            loop {
                match self.bus.heard("user") {
                    Heard::UpTo(heard) if heard.later(place).is_at(heard) => return,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    }

    /// Stops where it stands.
    async fn die(mut self) {
        self.running.shutdown().await;
    }
}

fn told(things: &[(&str, i64)]) -> Vec<(String, i64)> {
    let owned = |(thing, version): &(&str, i64)| ((*thing).to_owned(), *version);
    things.iter().map(owned).collect()
}

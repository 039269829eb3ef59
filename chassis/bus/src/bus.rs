//! The bus of a process.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Clock;
use events::{inbox, parked};
use futures::future::{BoxFuture, join_all};
use sql::Database;
use tokio_util::sync::CancellationToken;

use crate::away::Condition;
use crate::follow::Follower;
use crate::group::Group;
use crate::heard::{Heard, Places};
use crate::nats::{Nats, NatsAddress};
use crate::relay::{self, Relay};
use crate::source::Source;

/// How often a group forgets what it heard long ago.
const FORGET_EVERY: Duration = Duration::from_secs(10 * 60);

/// Brings facts to the groups in this process: those of the services in it, or, over a broker, of all. Cheap to clone.
#[derive(Clone, Default)]
pub struct Bus(Arc<Inner>);

#[derive(Default)]
struct Inner {
    broker: Option<Arc<Nats>>,
    sources: Mutex<HashMap<&'static str, Database>>,
    hearers: Mutex<BTreeMap<&'static str, Database>>,
    places: Arc<Places>,
}

/// Work that a process does until it stops.
pub struct Worker {
    /// What it is called.
    pub name: &'static str,
    /// Does it.
    pub task: Task,
    /// How it goes.
    pub condition: Condition,
}

type Task = Box<dyn Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>;

impl Bus {
    /// One over a broker, which is dialled when it is first needed.
    pub fn over(broker: NatsAddress) -> Self {
        Self(Arc::new(Inner {
            broker: Some(Arc::new(Nats::new(broker))),
            ..Inner::default()
        }))
    }

    /// Lets groups hear a service of this process, and returns the work that takes: none where they read its outbox.
    pub fn open(&self, db: &Database, clock: &Clock) -> Option<Worker> {
        let (service, db) = (db.service(), db.clone());
        let Some(broker) = self.0.broker.clone() else {
            lock(&self.0.sources).insert(service, db);
            return None;
        };
        self.0.places.expect(service, relay::NAME);
        let condition = Condition::default();
        let relay = Arc::new(Relay {
            db,
            clock: clock.clone(),
            broker,
            places: self.0.places.clone(),
            condition: condition.clone(),
        });
        let task: Task = Box::new(move |shutdown| {
            let relay = relay.clone();
            Box::pin(async move { relay.run(&shutdown).await })
        });
        let name = relay::NAME;
        Some(Worker {
            name,
            task,
            condition,
        })
    }

    /// Adds a group, and returns its work. Without a broker it hears nothing of services that are not in this process.
    pub fn join(&self, group: Group) -> Worker {
        let (name, condition) = (group.name, Condition::default());
        lock(&self.0.hearers).insert(group.db.service(), group.db.clone());
        let group = Arc::new(group);
        if self.0.broker.is_none() {
            for hears in &group.hears {
                self.0.places.expect(hears.source, group.name);
            }
        }
        let (bus, works) = (self.clone(), condition.clone());
        let task: Task = Box::new(move |shutdown| {
            let (bus, group, works) = (bus.clone(), group.clone(), works.clone());
            Box::pin(async move { bus.run(group, works, shutdown).await })
        });
        Worker {
            name,
            task,
            condition,
        }
    }

    /// The databases of services in this process that hear facts.
    pub fn hearers(&self) -> Vec<Database> {
        lock(&self.0.hearers).values().cloned().collect()
    }

    /// How far all who hear the outbox of that service have come.
    pub fn heard(&self, source: &str) -> Heard {
        self.0.places.of(source)
    }

    async fn run(&self, group: Arc<Group>, condition: Condition, shutdown: CancellationToken) {
        let mut topics: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
        for hears in &group.hears {
            topics.entry(hears.source).or_default().push(hears.topic);
        }
        let mut followers = Vec::new();
        for (service, topics) in topics {
            match self.source(service) {
                Some(source) => {
                    let follower = Follower::new(group.clone(), source, topics, condition.clone());
                    followers.push(follower.run(shutdown.clone()));
                }
                None => {
                    condition.stops(
                        service,
                        "it is in another process, and there is no broker (bus)",
                    );
                }
            }
        }
        tokio::join!(join_all(followers), forget(&group, &shutdown));
    }

    fn source(&self, service: &'static str) -> Option<Source> {
        if let Some(broker) = &self.0.broker {
            return Some(Source::Broker(service, broker.clone()));
        }
        let db = lock(&self.0.sources).get(service).cloned()?;
        Some(Source::Outbox(db, self.0.places.clone()))
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("broker", &self.0.broker)
            .field("places", &self.0.places)
            .finish_non_exhaustive()
    }
}
/// Forgets what the group heard, or failed at, longer ago than anybody may ask.
async fn forget(group: &Group, shutdown: &CancellationToken) {
    loop {
        let now = group.clock.now();
        let forgetting = async {
            inbox::prune(&group.db, now - inbox::KEPT).await?;
            parked::forget(&group.db, group.name, now - parked::KEPT).await
        };
        match shutdown.run_until_cancelled(forgetting).await {
            None => return,
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let (service, group) = (group.db.service(), group.name);
                tracing::warn!(%error, service, group, "The inbox could not be pruned");
            }
        }
        let pause = shutdown.run_until_cancelled(tokio::time::sleep(FORGET_EVERY));
        if pause.await.is_none() {
            return;
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

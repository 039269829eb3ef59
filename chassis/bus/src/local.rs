//! The bus within one process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::{inbox, parked};
use futures::future::join_all;
use sql::Database;
use tokio_util::sync::CancellationToken;

use crate::follow::Follower;
use crate::group::Group;
use crate::heard::{Heard, Places};

/// How often a group forgets what it heard long ago.
const FORGET_EVERY: Duration = Duration::from_secs(10 * 60);

/// Brings the facts of the services in this process to the groups in it; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bus(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sources: Mutex<HashMap<&'static str, Database>>,
    places: Arc<Places>,
}

impl Bus {
    /// Lets groups of this process hear the outbox of a service.
    pub fn open(&self, db: &Database) {
        lock(&self.0.sources).insert(db.service(), db.clone());
    }

    /// Adds a group, and returns its work. What it hears of services that are not in this process, it does not hear.
    pub fn join(
        &self,
        group: Group,
    ) -> impl Fn(CancellationToken) -> futures::future::BoxFuture<'static, ()> + Send + Sync + 'static
    {
        let group = Arc::new(group);
        for hears in &group.hears {
            self.0.places.expect(hears.source, group.name);
        }
        let bus = self.clone();
        move |shutdown| {
            let (bus, group) = (bus.clone(), group.clone());
            Box::pin(async move { bus.run(group, shutdown).await })
        }
    }

    /// How far all groups have come in the outbox of that service.
    pub fn heard(&self, source: &str) -> Heard {
        self.0.places.of(source)
    }

    async fn run(&self, group: Arc<Group>, shutdown: CancellationToken) {
        let mut topics: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
        for hears in &group.hears {
            topics.entry(hears.source).or_default().push(hears.topic);
        }
        let mut followers = Vec::new();
        for (source, topics) in topics {
            let db = lock(&self.0.sources).get(source).cloned();
            match db {
                Some(db) => {
                    let follower = Follower::new(self.0.places.clone(), group.clone(), db, topics);
                    followers.push(follower.run(shutdown.clone()));
                }
                None => tracing::info!(
                    service = group.db.service(),
                    group = group.name,
                    source,
                    "No facts of {source} come here: it is in another process"
                ),
            }
        }
        tokio::join!(join_all(followers), forget(&group, &shutdown));
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

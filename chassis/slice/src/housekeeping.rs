//! What every service with a database begins with, so that none can forget it: readiness, and
//! work that keeps what grows within bounds.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Group, Heard, Worker};
use clock::Clock;
use edge::Service;
use events::outbox;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use sql::{Database, idempotency};
use tokio_util::sync::CancellationToken;

/// How often a service keeps house, the first time when it starts.
pub const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(10 * 60);
/// How often the tables that every service has are measured.
const MEASURE_EVERY: Duration = Duration::from_secs(60);
/// How often it is asked how far facts were heard, until that is known.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How soon a sweep that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Work that keeps something within bounds, again and again.
pub struct Sweep {
    name: &'static str,
    every: Duration,
    run: Box<dyn Fn() -> Sweeping + Send + Sync>,
}

type Sweeping = BoxFuture<'static, Result<(), String>>;

impl Sweep {
    /// Runs `sweep` that often. It must work in transactions of a bounded size, so that it holds up
    /// no writer, and may be dropped between any two.
    pub fn new<F, Fut, E>(name: &'static str, every: Duration, sweep: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error + 'static,
    {
        let run = move || {
            let swept = sweep();
            async move { swept.await.map_err(|error| call::error::chain(&error)) }.boxed()
        };
        Self {
            name,
            every,
            run: Box::new(run),
        }
    }

    /// Sweeps until `shutdown`. What fails, or panics, is told and tried again.
    async fn keep(&self, service: &'static str, shutdown: &CancellationToken) {
        loop {
            let swept = AssertUnwindSafe((self.run)()).catch_unwind();
            let Some(swept) = shutdown.run_until_cancelled(swept).await else {
                return;
            };
            let pause = match swept.unwrap_or_else(|_| Err("it panicked".to_owned())) {
                Ok(()) => self.every,
                Err(cause) => {
                    let sweep = self.name;
                    tracing::warn!(service, sweep, cause, "Housekeeping failed: {sweep}");
                    self.every.min(RETRY_AFTER)
                }
            };
            let pause = shutdown.run_until_cancelled(tokio::time::sleep(pause));
            if pause.await.is_none() {
                return;
            }
        }
    }
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep")
            .field("name", &self.name)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// A service of that name on its own database, without rpcs yet: ready while the database
/// answers, heard by whoever hears it, and keeping house. What every service has is kept within
/// bounds by itself; `own` is what this one has beside it.
pub fn begin(
    name: &'static str,
    db: &Database,
    clock: &Clock,
    bus: &Bus,
    own: impl IntoIterator<Item = Sweep>,
) -> Service {
    let ready = db.clone();
    let mut sweeps = common(db, clock);
    sweeps.push(facts(db, clock, bus));
    sweeps.extend(own);
    let sweeps: Arc<[Sweep]> = sweeps.into();
    let service = match bus.open(db, clock) {
        Some(relay) => works(Service::new(name), relay),
        None => Service::new(name),
    };
    service
        .ready("database", move || {
            let db = ready.clone();
            Box::pin(async move { db.ping().await.map_err(|error| error.to_string()) })
        })
        .background("housekeeping", move |shutdown| {
            let sweeps = Arc::clone(&sweeps);
            async move {
                let sweeps = sweeps.iter().map(|sweep| sweep.keep(name, &shutdown));
                join_all(sweeps).await; // side by side: a long one holds up no other
            }
        })
}

/// A service that hears facts of others, as this group does.
pub fn hear(service: Service, bus: &Bus, group: Group) -> Service {
    works(service, bus.join(group))
}

/// What facts wait for is told with readiness, and makes nobody unready: they wait where they are safe, and the service
/// answers as before.
fn works(service: Service, worker: Worker) -> Service {
    let Worker {
        name,
        task,
        condition,
    } = worker;
    service.background(name, task).ready_noting(name, move || {
        let waits = condition.waits();
        Box::pin(async move { Ok(waits) })
    })
}

/// The sweep of the outbox. It deletes nothing that somebody has still to hear.
fn facts(db: &Database, clock: &Clock, bus: &Bus) -> Sweep {
    let of = (db.clone(), clock.clone(), bus.clone());
    Sweep::new("facts", HOUSEKEEPING_EVERY, move || {
        let (db, clock, bus) = of.clone();
        async move {
            let heard = loop {
                match bus.heard(db.service()) {
                    Heard::ByNobody => break None,
                    Heard::UpTo(place) => break Some(place),
                    Heard::Unknown => tokio::time::sleep(ASK_EVERY).await,
                }
            };
            let before = clock.now() - outbox::KEPT;
            outbox::prune(&db, before, heard).await.map(drop)
        }
    })
}

/// The sweeps of the tables that every service has.
fn common(db: &Database, clock: &Clock) -> Vec<Sweep> {
    let of = (db.clone(), clock.clone());
    let sweep = |name, every, run: fn(Database, Clock) -> Pruning| {
        let (db, clock) = of.clone();
        Sweep::new(name, every, move || run(db.clone(), clock.clone()))
    };
    vec![
        sweep("idempotency records", HOUSEKEEPING_EVERY, |db, clock| {
            async move {
                let before = clock.now() - idempotency::KEPT;
                idempotency::prune(&db, before).await.map(drop)
            }
            .boxed()
        }),
        sweep("sizes", MEASURE_EVERY, |db, clock| {
            async move {
                outbox::measure(&db, clock.now()).await?;
                idempotency::measure(&db).await
            }
            .boxed()
        }),
    ]
}

type Pruning = BoxFuture<'static, Result<(), sea_orm::DbErr>>;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use sea_orm::DbErr;

    use super::*;

    #[tokio::test]
    async fn a_sweep_that_fails_or_panics_is_tried_again_until_the_service_stops() {
        let shutdown = CancellationToken::new();
        let (begun, stop) = (Arc::new(AtomicU32::new(0)), shutdown.clone());
        let sweep = Sweep::new("test", Duration::from_millis(1), {
            let begun = Arc::clone(&begun);
            move || {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                let stop = stop.clone();
                async move {
                    match number {
                        0 => Err(DbErr::Custom("away".into())),
                        1 => panic!("a fault of ours"),
                        2 => Ok(()),
                        _ => {
                            stop.cancel();
                            std::future::pending().await // never ends, and holds up no stop
                        }
                    }
                }
            }
        });
        let kept = sweep.keep("test", &shutdown);
        let kept = tokio::time::timeout(Duration::from_secs(5), kept).await;
        kept.expect("it ends with the service");
        assert_eq!(begun.load(Ordering::Relaxed), 4);
    }
}

//! A few connections that stay open, handed out one by one.
//!
//! Unlike the driver's pool this asks a connection for a sign of life only when it rested or when its last user left
//! something under way, never on each return.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sqlx;
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connection::{Connection, Options, connection_error};

/// A connection that rested for longer is not worth keeping.
const IDLE_MAX: Duration = Duration::from_secs(10 * 60);
/// And none lives for longer, so that what a server keeps for it does not grow for ever.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);
/// How soon a server that refuses connections, since it starts or has no room, is asked again.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);
/// How long a sign of life may take, and the end of what was left under way. A server that vanished answers neither.
const SIGN_MAX: Duration = Duration::from_millis(500);
const CLEAR_MAX: Duration = Duration::from_secs(2);
/// How long [`Pinned::close`] waits for those that are in use.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);

/// How many connections there are, and how they are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At most so many at once.
    pub connections_max: u32,
    /// How long one waits for a connection before the database counts as unavailable.
    pub wait_max: Duration,
    /// A connection that rested for longer is asked for a sign of life before it is used, so that a restarted server
    /// costs no request.
    pub test_after_idle: Duration,
}

/// Connections, each opened when first needed; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pinned(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    limits: Limits,
    places: Arc<Semaphore>,
    /// The one that was used last comes first, so that the others can rest for good.
    idle: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    opened: Instant,
    rests: Instant,
}

/// A connection of one's own until this is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    kept: Option<Kept>,
    left: Left,
    inner: Arc<Inner>,
    place: Option<OwnedSemaphorePermit>,
}

/// What a connection's user leaves on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// A statement whose end nobody saw, or one that failed.
    Statement,
    /// And a transaction around it.
    Transaction,
}

impl Pinned {
    pub fn new(options: Options, limits: Limits) -> Self {
        let places = usize::try_from(limits.connections_max).unwrap_or(usize::MAX);
        Self(Arc::new(Inner {
            options,
            limits,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            idle: Mutex::default(),
        }))
    }

    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Hands out a connection.
    ///
    /// # Errors
    /// None came free in time, or none could be opened.
    pub async fn lease(&self) -> Result<Lease, DbErr> {
        let inner = &self.0;
        let until = Instant::now() + inner.limits.wait_max;
        let place = timeout(inner.limits.wait_max, inner.places.clone().acquire_owned()).await;
        let place = place
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?;
        let kept = match inner.rested(until).await {
            Some(kept) => kept,
            None => inner.open(until).await.map_err(connection_error)?,
        };
        Ok(Lease {
            kept: Some(kept),
            left: Left::Nothing,
            inner: inner.clone(),
            place: Some(place),
        })
    }

    /// Returns how many connections are in use, and how many rest.
    pub fn counts(&self) -> (u32, u32) {
        let free = u32::try_from(self.0.places.available_permits()).unwrap_or(u32::MAX);
        let used = self.0.limits.connections_max.saturating_sub(free);
        let idle = u32::try_from(self.0.idle().len()).unwrap_or(u32::MAX);
        (used, idle)
    }

    /// Closes the connections that rested for long.
    pub fn tidy(&self) {
        self.0.idle().retain(Kept::is_young);
    }

    /// Closes all connections, those in use when they come back; no other is handed out.
    pub async fn close(&self) {
        let all = self.0.limits.connections_max;
        drop(timeout(CLOSE_WAIT_MAX, self.0.places.acquire_many(all)).await);
        self.0.places.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for kept in idle {
            drop(kept.connection.close().await);
        }
    }
}

impl Inner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is there already, and lives.
    async fn rested(&self, until: Instant) -> Option<Kept> {
        while Instant::now() < until {
            let mut kept = self.idle().pop()?;
            if !kept.is_young() {
                continue;
            }
            if kept.rests.elapsed() < self.limits.test_after_idle {
                return Some(kept);
            }
            if let Ok(Ok(())) = timeout(SIGN_MAX, kept.connection.ping()).await {
                return Some(kept);
            }
        }
        None
    }

    /// Opens another; a server that refuses is asked again until then.
    async fn open(&self, until: Instant) -> Result<Kept, sqlx::Error> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, Connection::open(&self.options)).await {
                Err(_) => return Err(sqlx::Error::PoolTimedOut),
                Ok(Ok(connection)) => {
                    let now = Instant::now();
                    return Ok(Kept {
                        connection,
                        opened: now,
                        rests: now,
                    });
                }
                Ok(Err(error)) if is_refusal(&error) && left > REFUSED_PAUSE => {
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
                Ok(Err(error)) => return Err(error),
            }
        }
    }

    fn keep(&self, mut kept: Kept) {
        kept.rests = Instant::now();
        if !self.places.is_closed() {
            self.idle().push(kept);
        }
    }
}

impl Kept {
    fn is_young(&self) -> bool {
        self.rests.elapsed() < IDLE_MAX && self.opened.elapsed() < AGE_MAX
    }
}

impl Lease {
    /// The connection, for a statement: if its future is dropped or it fails, the connection is looked after before
    /// it serves somebody else. Call [`Lease::done`] after it.
    pub fn connection(&mut self) -> &mut Connection {
        if self.left == Left::Nothing {
            self.left = Left::Statement;
        }
        let kept = self.kept.as_mut();
        &mut kept
            .expect("there is a connection until the drop")
            .connection
    }

    /// As [`Lease::connection`], for what begins a transaction.
    pub fn transaction(&mut self) -> &mut Connection {
        self.left = Left::Transaction;
        self.connection()
    }

    /// Whether a transaction is open on it.
    pub fn has_begun(&self) -> bool {
        self.left == Left::Transaction
    }

    /// Notes that nothing is left on it: the statement answered well, or the transaction ended.
    pub fn done(&mut self) {
        self.left = Left::Nothing;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut kept) = self.kept.take() else {
            return;
        };
        if self.left == Left::Nothing {
            self.inner.keep(kept);
            return;
        }
        kept.connection.abandon();
        // Outside of a runtime all of it ends anyway.
        if let Ok(runtime) = Handle::try_current() {
            let cleared = clear(self.inner.clone(), kept, self.left);
            let place = self.place.take();
            runtime.spawn(async move {
                cleared.await;
                drop(place);
            });
        }
    }
}

/// Ends what was left on a connection, and keeps it if it still lives; else its place is free for another.
async fn clear(inner: Arc<Inner>, mut kept: Kept, left: Left) {
    let end = async {
        match left {
            Left::Transaction => kept.connection.say("rollback").await.is_ok(),
            Left::Nothing | Left::Statement => kept.connection.ping().await.is_ok(),
        }
    };
    if timeout(CLEAR_MAX, end).await.unwrap_or(false) {
        inner.keep(kept);
    }
}

/// The server is starting, stopping or full.
fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => {
            matches!(error.code().as_deref(), Some("53300" | "57P03"))
        }
        _ => false,
    }
}

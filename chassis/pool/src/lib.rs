//! The connections to one replica of a peer and the places on them. We count the streams of each ourselves:
//! nobody else says how many are free, and a request too many would wait inside the connection,
//! unseen, in front of all that come after it.

mod answer;
mod dial;
mod failure;

use std::collections::VecDeque;
use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use metrics::{Gauge, gauge};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, interval_at};

use crate::answer::Answer;
use crate::dial::{Cutter, Dialed, Driver, Sender};

pub use dial::{Dialer, Patience, STREAMS_MAX};
pub use failure::Failure;

/// A connection on which nothing was carried from one look to the next is closed.
const IDLE_LOOK: Duration = Duration::from_secs(30);
/// How often a request is given to another connection, when the one it had ended before it left.
const RESENT_MAX: usize = 3;
/// A connection of ours ends as a flood when too many of its streams are taken back before their end. So many fewer
/// than that are, since those that run may follow.
const TAKEN_BACK_SPARED: u64 = STREAMS_MAX as u64;
/// Connections of which that many were taken back, and that carry on what they have: the oldest of more is ended, and
/// what it carries with it, or who stays on each would let others fill the peer's.
const WORN_MAX: usize = 4;

/// Whose connections they are, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub struct PoolBounds {
    /// The peer, in the metrics.
    pub peer: &'static str,
    /// What they carry, likewise.
    pub kind: &'static str,
    /// Connections at most. Those that have been told to end are not counted, nor a few that are worn.
    pub connections_max: usize,
    /// Calls that wait for a place beyond what connections can be made for. With none, a full
    /// pool refuses at once.
    pub waiting_max: usize,
}

/// Connections to one replica of a peer. Clones share them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    dialer: Dialer,
    bounds: PoolBounds,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those that take requests, or are worn and carry some yet, the oldest first.
    connections: Vec<Connection>,
    /// How many are being made.
    dialing: usize,
    /// Who waits for a place. If somebody does, none is free.
    waiting: VecDeque<oneshot::Sender<Result<StreamPlace, Failure>>>,
    next_id: u64,
}

struct Connection {
    id: u64,
    sender: Sender,
    cutter: Cutter,
    since: Instant,
    taken: usize,
    /// How many ever were, and of how many somebody left before their end.
    begun: u64,
    taken_back: u64,
    worn: bool,
    /// As many as its peer takes.
    streams_max: Arc<AtomicUsize>,
    /// Whether a place was taken since somebody looked.
    used: bool,
}

impl Connection {
    fn is_free(&self) -> bool {
        !self.worn && self.taken < self.streams_max.load(Ordering::Relaxed)
    }

    /// Counts one that was taken back. Returns whether this was one too many for more to follow.
    fn wears(&mut self) -> bool {
        self.taken_back += 1;
        if !self.worn {
            let max = serve::taken_back_max(self.begun, self.since.elapsed().as_secs());
            self.worn = self.taken_back + TAKEN_BACK_SPARED >= max;
            return self.worn;
        }
        false
    }
}

impl State {
    /// How many take requests.
    fn fresh(&self) -> usize {
        self.connections.iter().filter(|one| !one.worn).count()
    }

    /// Makes room for one more that is worn. What is removed is ended.
    fn oldest_worn(&mut self) -> Option<Connection> {
        let worn = self.connections.iter().filter(|one| one.worn).count();
        let oldest = self.connections.iter().position(|one| one.worn)?;
        (worn > WORN_MAX).then(|| self.connections.remove(oldest))
    }
}

/// A stream's place on a connection, free again when dropped.
pub struct StreamPlace {
    pool: Arc<Shared>,
    id: u64,
    sender: Sender,
    /// Whether the stream came to its end, by whichever side.
    over: bool,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.pool.release(self.id, self.over);
    }
}

impl Pool {
    pub fn new(dialer: Dialer, bounds: PoolBounds) -> Self {
        Self(Arc::new(Shared {
            dialer,
            bounds,
            state: Mutex::default(),
        }))
    }

    /// A place, when there is one for who asks.
    ///
    /// # Errors
    /// [`Failure`], but that nothing broke.
    pub async fn place(&self) -> Result<StreamPlace, Failure> {
        self.0.place().await
    }

    /// Sends a request from its place, which is free again when its answer is over.
    ///
    /// # Errors
    /// [`Failure`]. A request that never left was tried on other connections before.
    pub async fn send(
        &self,
        mut place: StreamPlace,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Failure> {
        let mut resent = 0;
        loop {
            let mut error = match place.sender.try_send_request(request).await {
                Ok(response) => {
                    return Ok(response.map(|body| Body::new(Answer::new(body, place))));
                }
                Err(error) => error,
            };
            place.over = true;
            match error.take_message() {
                Some(unsent) if resent < RESENT_MAX => request = unsent,
                _ => return Err(Failure::of(error.into_error())),
            }
            resent += 1;
            place = self.0.place().await?;
        }
    }

    /// How many have a place or wait for one.
    pub fn busy(&self) -> usize {
        let state = self.0.lock();
        let taken = state.connections.iter().map(|one| one.taken);
        taken.sum::<usize>() + state.waiting.len()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(self: &Arc<Self>) -> Result<StreamPlace, Failure> {
        let waiting = {
            let mut state = self.lock();
            if let Some(place) = self.take(&mut state) {
                return Ok(place);
            }
            let made = state.fresh();
            let more = self.bounds.connections_max.saturating_sub(made);
            let waiting_max = more * STREAMS_MAX + self.bounds.waiting_max;
            if state.waiting.len() >= waiting_max {
                state.waiting.retain(|waiter| !waiter.is_closed()); // who gave up does not count
            }
            if state.waiting.len() >= waiting_max {
                return Err(Failure::Full);
            }
            let (waiter, waiting) = oneshot::channel();
            state.waiting.push_back(waiter);
            self.dial_for_all(&mut state);
            waiting
        };
        waiting.await.unwrap_or(Err(Failure::Full)) // nobody is left without an answer
    }

    /// A place on the oldest connection that has one, so that the younger come to rest.
    fn take(self: &Arc<Self>, state: &mut State) -> Option<StreamPlace> {
        state.connections.retain(|one| !one.sender.is_closed());
        let free = state.connections.iter_mut().find(|one| one.is_free())?;
        free.taken += 1;
        free.begun += 1;
        free.used = true;
        Some(StreamPlace {
            pool: self.clone(),
            id: free.id,
            sender: free.sender.clone(),
            over: false,
        })
    }

    /// Gives free places to those who wait. One that nobody wanted must be dropped by who
    /// called, without the lock.
    fn serve(self: &Arc<Self>, state: &mut State) -> Option<StreamPlace> {
        let mut unwanted = None;
        while !state.waiting.is_empty() {
            let place = unwanted.take().or_else(|| self.take(state))?;
            let waiter = state.waiting.pop_front();
            unwanted = match waiter.map(|waiter| waiter.send(Ok(place))) {
                Some(Err(Ok(place))) => Some(place),
                _ => None,
            };
        }
        unwanted
    }

    /// Begins as many connections as those who wait would fill.
    fn dial_for_all(self: &Arc<Self>, state: &mut State) {
        while state.waiting.len() > state.dialing * STREAMS_MAX
            && state.fresh() + state.dialing < self.bounds.connections_max
        {
            let Ok(runtime) = Handle::try_current() else {
                return; // the process ends
            };
            state.dialing += 1;
            let pool = self.clone();
            runtime.spawn(async move {
                let dialed = pool.dialer.dial().await;
                pool.dialed(dialed);
            });
        }
    }

    fn dialed(self: &Arc<Self>, dialed: Result<Dialed, Box<dyn Error + Send + Sync>>) {
        let mut state = self.lock();
        state.dialing -= 1;
        match dialed {
            Ok(Dialed {
                sender,
                driver,
                cutter,
            }) => {
                let id = state.next_id;
                state.next_id += 1;
                let streams_max = Arc::new(AtomicUsize::new(STREAMS_MAX));
                let driving = drive(Arc::downgrade(self), id, driver, streams_max.clone());
                let open = Open::new(&self.bounds);
                tokio::spawn(async move {
                    driving.await;
                    drop(open);
                });
                state.connections.push(Connection {
                    id,
                    sender,
                    cutter,
                    since: Instant::now(),
                    taken: 0,
                    begun: 0,
                    taken_back: 0,
                    worn: false,
                    streams_max,
                    used: true,
                });
                let unwanted = self.serve(&mut state);
                drop(state);
                drop(unwanted);
            }
            Err(error) => {
                // Those who have hope yet: of other connections, or of a place that comes free.
                let places = match state.fresh() {
                    0 => 0,
                    _ => self.bounds.waiting_max,
                };
                let kept = (places + state.dialing * STREAMS_MAX).min(state.waiting.len());
                let hopeless = state.waiting.split_off(kept);
                drop(state);
                let error: Arc<dyn Error + Send + Sync> = error.into();
                for waiter in hopeless {
                    // Who has left needs no word.
                    let _ = waiter.send(Err(Failure::Unreachable(error.clone())));
                }
            }
        }
    }

    fn release(self: &Arc<Self>, id: u64, over: bool) {
        let mut state = self.lock();
        let mut ended = None;
        if let Some(at) = state.connections.iter().position(|one| one.id == id) {
            let connection = &mut state.connections[at];
            connection.taken -= 1;
            let wears = !over && connection.wears();
            if connection.worn && connection.taken == 0 {
                state.connections.remove(at); // nobody is on it
            } else if wears {
                ended = state.oldest_worn();
            }
        }
        let unwanted = self.serve(&mut state);
        self.dial_for_all(&mut state);
        drop(state);
        drop(unwanted);
        if let Some(Connection { cutter, .. }) = ended {
            tracing::debug!(
                peer = self.bounds.peer,
                "Too many streams were taken back: the oldest such connection ends"
            );
            cutter.cut();
        }
    }

    /// Takes no more places on a connection: it has ended, or carries on what it has until it does.
    fn leave(self: &Arc<Self>, id: u64) {
        let mut state = self.lock();
        state.connections.retain(|one| one.id != id);
        self.dial_for_all(&mut state);
    }

    /// Leaves a connection that nobody used since the last look.
    fn look(&self, id: u64) {
        let mut state = self.lock();
        state.connections.retain_mut(|one| {
            one.id != id || one.taken > 0 || std::mem::replace(&mut one.used, false)
        });
    }
}

/// Runs a connection until it ends.
async fn drive(pool: Weak<Shared>, id: u64, driver: Driver, streams_max: Arc<AtomicUsize>) {
    let mut driver = pin!(driver);
    let mut looks = interval_at(Instant::now() + IDLE_LOOK, IDLE_LOOK);
    loop {
        let driven = poll_fn(|cx| {
            let polled = driver.as_mut().poll(cx);
            let told = driver.current_max_send_streams();
            streams_max.store(told.clamp(1, STREAMS_MAX), Ordering::Relaxed);
            polled
        });
        tokio::select! {
            ended = driven => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "A connection to a peer broke");
                }
                break;
            }
            _ = looks.tick() => {
                if let Some(pool) = pool.upgrade() {
                    pool.look(id);
                }
            }
        }
    }
    if let Some(pool) = pool.upgrade() {
        pool.leave(id);
    }
}

/// Counts a connection for as long as it takes requests.
struct Open(Gauge);

impl Open {
    fn new(bounds: &PoolBounds) -> Self {
        let PoolBounds { peer, kind, .. } = *bounds;
        let open = gauge!("rpc_client_connections", "peer" => peer, "kind" => kind);
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

//! The connections to one replica of a peer and the places on them. We count the streams of each ourselves:
//! nobody else says how many are free, and a request too many would wait inside the connection,
//! unseen, in front of all that come after it.

use std::collections::VecDeque;
use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use metrics::{Gauge, gauge};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, interval_at};

use crate::connect::{Dialer, Driver, Failure, STREAMS_MAX, Sender};

/// A connection on which nothing was carried from one look to the next is closed.
const IDLE_LOOK: Duration = Duration::from_secs(30);
/// How often a request is given to another connection, when the one it had ended before it left.
const RESENT_MAX: usize = 3;
/// Streams that are taken back before their end, of one connection: ours ends one after a thousand, as a flood, and
/// a hundred more may follow from those that run.
const TAKEN_BACK_MAX: usize = 900;

/// Whose connections they are, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The peer, in the metrics.
    pub(crate) peer: &'static str,
    /// What they carry, likewise.
    pub(crate) kind: &'static str,
    /// Connections at most, those that have been told to end not counted.
    pub(crate) connections_max: usize,
    /// Calls that wait for a place beyond what connections can be made for. With none, a full
    /// pool refuses at once.
    pub(crate) waiting_max: usize,
}

/// Connections to one replica of a peer. Clones share them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    dialer: Dialer,
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those that take requests, the oldest first.
    connections: Vec<Connection>,
    /// How many are being made.
    dialing: usize,
    /// Who waits for a place. If somebody does, none is free.
    waiting: VecDeque<oneshot::Sender<Result<Place, Failure>>>,
    next_id: u64,
}

struct Connection {
    id: u64,
    sender: Sender,
    taken: usize,
    /// Of which somebody left before their end.
    taken_back: usize,
    /// As many as its peer takes.
    streams_max: Arc<AtomicUsize>,
    /// Whether a place was taken since somebody looked.
    used: bool,
}

/// A stream's place on a connection, free again when dropped.
pub(crate) struct Place {
    pool: Arc<Shared>,
    id: u64,
    sender: Sender,
    /// Whether the stream came to its end, by whichever side.
    over: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.release(self.id, self.over);
    }
}

impl Pool {
    pub(crate) fn new(dialer: Dialer, bounds: Bounds) -> Self {
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
    pub(crate) async fn place(&self) -> Result<Place, Failure> {
        self.0.place().await
    }

    /// Sends a request from its place, which is free again when its answer is over.
    ///
    /// # Errors
    /// [`Failure`]. A request that never left was tried on other connections before.
    pub(crate) async fn send(
        &self,
        mut place: Place,
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
    pub(crate) fn busy(&self) -> usize {
        let state = self.0.lock();
        let taken = state.connections.iter().map(|one| one.taken);
        taken.sum::<usize>() + state.waiting.len()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(self: &Arc<Self>) -> Result<Place, Failure> {
        let waiting = {
            let mut state = self.lock();
            if let Some(place) = self.take(&mut state) {
                return Ok(place);
            }
            let made = state.connections.len();
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
    fn take(self: &Arc<Self>, state: &mut State) -> Option<Place> {
        let good = |one: &Connection| !one.sender.is_closed() && one.taken_back < TAKEN_BACK_MAX;
        state.connections.retain(good);
        let mut connections = state.connections.iter_mut();
        let free = connections.find(|one| one.taken < one.streams_max.load(Ordering::Relaxed))?;
        free.taken += 1;
        free.used = true;
        Some(Place {
            pool: self.clone(),
            id: free.id,
            sender: free.sender.clone(),
            over: false,
        })
    }

    /// Gives free places to those who wait. One that nobody wanted must be dropped by who
    /// called, without the lock.
    fn serve(self: &Arc<Self>, state: &mut State) -> Option<Place> {
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
            && state.connections.len() + state.dialing < self.bounds.connections_max
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

    fn dialed(self: &Arc<Self>, dialed: Result<(Sender, Driver), Box<dyn Error + Send + Sync>>) {
        let mut state = self.lock();
        state.dialing -= 1;
        match dialed {
            Ok((sender, driver)) => {
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
                    taken: 0,
                    taken_back: 0,
                    streams_max,
                    used: true,
                });
                let unwanted = self.serve(&mut state);
                drop(state);
                drop(unwanted);
            }
            Err(error) => {
                // Those who have hope yet: of other connections, or of a place that comes free.
                let places = match state.connections.is_empty() {
                    true => 0,
                    false => self.bounds.waiting_max,
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
        if let Some(connection) = state.connections.iter_mut().find(|one| one.id == id) {
            connection.taken -= 1;
            connection.taken_back += usize::from(!over);
        }
        let unwanted = self.serve(&mut state);
        self.dial_for_all(&mut state);
        drop(state);
        drop(unwanted);
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
    fn new(bounds: &Bounds) -> Self {
        let Bounds { peer, kind, .. } = *bounds;
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

/// The body of an answer, which holds its place until it is over.
struct Answer {
    body: Incoming,
    place: Option<Place>,
}

impl Answer {
    fn new(body: Incoming, place: Place) -> Self {
        let mut answer = Self {
            body,
            place: Some(place),
        };
        answer.look();
        answer
    }

    /// Gives the place back as soon as all is there, whoever still holds this.
    fn look(&mut self) {
        if self.body.is_end_stream()
            && let Some(mut place) = self.place.take()
        {
            place.over = true;
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.look();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

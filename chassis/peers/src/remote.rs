//! A peer in another process, at one address or at several. Its unary calls and its streams have connections of their
//! own, so that however many watch, whoever calls is not held up, by a place or by a window.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use clock::Clock;
use contract::Method;
use endpoints::{Address, Choice, Endpoints, Picked, Source, Standing};
use http::{Request, Response, Version};
use pool::{Dialer, Failure, Patience, Pool, PoolBounds, StreamPlace};
use tonic::Code;

use crate::ahead::{Held, read_ahead};
use crate::framing::{Ending, Framing};
use crate::guard::Guard;
use crate::policy::Policy;

/// How many messages an rpc has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One each way.
    Unary,
    /// More, for as long as both sides like.
    Stream,
}

impl Kind {
    pub(crate) fn of(method: &Method) -> Self {
        match method.is_unary() {
            true => Self::Unary,
            false => Self::Stream,
        }
    }
}

/// Connections for unary calls, of a hundred streams each, and the line before them.
const UNARY_CONNECTIONS_MAX: usize = 4;
const UNARY_WAITING_MAX: usize = 256;
/// 10,000 streams. They stay for long, so nobody waits for another's place.
const STREAM_CONNECTIONS_MAX: usize = 100;
/// Most answers fit whole.
const UNARY_WINDOW_BYTES: u32 = 256 << 10;
/// Times 10,000 it is what streams that nobody reads cost at worst.
const STREAM_WINDOW_BYTES: u32 = 32 << 10;

/// Where nobody else can be asked it helps little to be quick.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(2),
    silence: Duration::from_secs(10),
    pong: Duration::from_secs(5),
};
/// Of several one that hangs is known within little more than a second. A pong is asked for that seldom that no server
/// takes it for a flood.
const IMPATIENCE: Patience = Patience {
    connect: Duration::from_secs(1),
    silence: Duration::from_millis(400),
    pong: Duration::from_millis(800),
};
/// Streams are mostly silent, and are many.
const STREAM_IMPATIENCE: Patience = Patience {
    connect: Duration::from_secs(1),
    silence: Duration::from_secs(2),
    pong: Duration::from_secs(2),
};

/// Replicas that may be missed before a request that cannot leave is given up.
const MISSED_MAX: u32 = 3;

/// The way to one peer.
pub(crate) struct Remote {
    pub(crate) guard: Guard,
    ways: Ways,
}

/// One address needs no choice, and pays for none.
enum Ways {
    One(Replica),
    Several(Endpoints<Replica>),
}

/// The connections to one address.
pub(crate) struct Replica {
    address: Address,
    unary: Pool,
    streams: Pool,
}

impl Replica {
    fn new(peer: &'static str, address: &Address, unary: Patience, stream: Patience) -> Self {
        let dialer = |window, patience| Dialer::new(address.clone(), window, patience);
        let of_unary = PoolBounds {
            peer,
            kind: "unary",
            connections_max: UNARY_CONNECTIONS_MAX,
            waiting_max: UNARY_WAITING_MAX,
        };
        let of_streams = PoolBounds {
            peer,
            kind: "stream",
            connections_max: STREAM_CONNECTIONS_MAX,
            waiting_max: 0,
        };
        Self {
            address: address.clone(),
            unary: Pool::new(dialer(UNARY_WINDOW_BYTES, unary), of_unary),
            streams: Pool::new(dialer(STREAM_WINDOW_BYTES, stream), of_streams),
        }
    }

    fn pool(&self, kind: Kind) -> &Pool {
        match kind {
            Kind::Unary => &self.unary,
            Kind::Stream => &self.streams,
        }
    }

    /// How many calls are out there, or in the line before it.
    pub(crate) fn busy(&self, kind: Kind) -> usize {
        self.pool(kind).busy()
    }
}

impl Remote {
    /// Nobody waits longer for a connection than for half of a call, which would tell nothing of its peer.
    pub(crate) fn new(
        peer: &'static str,
        source: Source,
        policy: Policy,
        timeout: Duration,
    ) -> Self {
        let within = move |patience: Patience| Patience {
            connect: patience.connect.min(timeout / 2),
            ..patience
        };
        let patience = within(PATIENCE);
        let (unary, stream) = (within(IMPATIENCE), within(STREAM_IMPATIENCE));
        let ways = match source {
            Source::One(address) => Ways::One(Replica::new(peer, &address, patience, patience)),
            source => {
                let made = move |address: &Address| Replica::new(peer, address, unary, stream);
                Ways::Several(Endpoints::new(peer, source, policy.ejection, made))
            }
        };
        Self {
            guard: Guard::new(peer, policy),
            ways,
        }
    }

    /// A place on a connection, to a replica that is not `not` if there is another. Where none can be reached the next
    /// is tried, since nothing has left yet.
    ///
    /// # Errors
    /// [`Failure`], but that nothing broke.
    pub(crate) async fn seat(
        &self,
        kind: Kind,
        clock: &Clock,
        not: Option<&Address>,
        repeatable: bool,
    ) -> Result<Seat<'_>, Failure> {
        let all = match &self.ways {
            Ways::One(replica) => {
                let place = replica.pool(kind).place().await?;
                let at = At::One(replica);
                return Ok(Seat { at, place });
            }
            Ways::Several(all) => all,
        };
        let (mut not, mut missed) = (not.cloned(), 0);
        loop {
            let choice = Choice {
                random: u64::from_le_bytes(clock.random()),
                not: not.as_ref(),
                repeatable,
            };
            let picked = all.pick(choice, |replica| replica.busy(kind)).await;
            let mut picked = picked.ok_or_else(nowhere)?;
            match picked.pool(kind).place().await {
                Ok(place) => {
                    let at = At::Several(picked);
                    return Ok(Seat { at, place });
                }
                Err(failure) => {
                    if matches!(failure, Failure::Unreachable(_)) {
                        picked.lost();
                    }
                    missed += 1;
                    if missed == MISSED_MAX || matches!(failure, Failure::Full) {
                        return Err(failure);
                    }
                    not = Some(picked.address().clone());
                }
            }
        }
    }

    /// Whether a replica is ready beside that one.
    pub(crate) fn has_another(&self, than: &Address) -> bool {
        match &self.ways {
            Ways::One(_) => false,
            Ways::Several(all) => all.has_another(than),
        }
    }

    /// Shows each replica with its standing.
    pub(crate) fn each(&self, mut show: impl FnMut(&Address, Standing, &Replica)) {
        match &self.ways {
            Ways::One(replica) => show(&replica.address, Standing::Ready, replica),
            Ways::Several(all) => all.each(show),
        }
    }
}

/// A place at a replica.
pub(crate) struct Seat<'a> {
    at: At<'a>,
    place: StreamPlace,
}

enum At<'a> {
    One(&'a Replica),
    Several(Picked<Replica>),
}

impl At<'_> {
    /// Notes whether the replica answered, or broke off while it did.
    fn has(&mut self, answered: bool) {
        match (self, answered) {
            (Self::Several(picked), true) => picked.reached(),
            (Self::Several(picked), false) => picked.lost(),
            (Self::One(_), _) => {}
        }
    }
}

impl Seat<'_> {
    /// Where it is, if it could be elsewhere.
    pub(crate) fn address(&self) -> Option<Address> {
        match &self.at {
            At::One(_) => None,
            At::Several(picked) => Some(picked.address().clone()),
        }
    }

    /// Sends a request. With the answer comes how it ended, of a stream what its head says of that.
    ///
    /// # Errors
    /// [`Failure`], if there is no answer.
    pub(crate) async fn call(
        mut self,
        kind: Kind,
        framing: Framing,
        mut request: Request<Body>,
    ) -> Result<(Response<Body>, Code), Failure> {
        let replica = match &self.at {
            At::One(replica) => *replica,
            At::Several(picked) => &**picked,
        };
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = replica.address.uri(path);
        *request.version_mut() = Version::HTTP_2;
        let answer = replica.pool(kind).send(self.place, request).await;
        if let (At::Several(picked), Err(Failure::Unreachable(_) | Failure::Broken(_))) =
            (&mut self.at, &answer)
        {
            picked.lost();
        }
        let response = answer?;
        let ending = Ending::of(framing, &response);
        match kind {
            Kind::Unary => {
                let (parts, body) = response.into_parts();
                let read = read_ahead(body).await.map_err(Failure::of);
                self.at.has(!matches!(read, Err(Failure::Broken(_))));
                let body = read?;
                let (code, whole) = (body.code(ending), body.is_whole());
                let mut response = Response::from_parts(parts, Body::new(body));
                if whole {
                    response.extensions_mut().insert(Held);
                }
                Ok((response, code))
            }
            Kind::Stream => {
                self.at.has(true);
                Ok((response, ending.told().unwrap_or(Code::Ok)))
            }
        }
    }
}

/// Nobody said in time where the peer is.
fn nowhere() -> Failure {
    let nowhere: Box<dyn Error + Send + Sync> = "its address is not known".into();
    Failure::Unreachable(nowhere.into())
}

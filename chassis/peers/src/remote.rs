//! A peer in another process. Its unary calls and its streams have connections of their own, so
//! that however many watch, whoever calls is not held up, by a place or by a window.

use axum::body::Body;
use edge::contract::Method;
use http::{Request, Response, Version};
use tonic::Code;

use crate::ahead::read_ahead;
use crate::connect::{Address, Dialer};
use crate::framing::{Ending, Framing};
use crate::guard::Guard;
use crate::policy::Policy;
use crate::pool::{Bounds, Failure, Pool};

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

/// The way to one peer.
pub(crate) struct Remote {
    pub(crate) guard: Guard,
    address: Address,
    unary: Pool,
    streams: Pool,
}

impl Remote {
    pub(crate) fn new(peer: &'static str, address: Address, policy: Policy) -> Self {
        let pool = |window, bounds| Pool::new(Dialer::new(address.clone(), window), bounds);
        let unary = Bounds {
            peer,
            kind: "unary",
            connections_max: UNARY_CONNECTIONS_MAX,
            waiting_max: UNARY_WAITING_MAX,
        };
        let streams = Bounds {
            peer,
            kind: "stream",
            connections_max: STREAM_CONNECTIONS_MAX,
            waiting_max: 0,
        };
        Self {
            guard: Guard::new(peer, policy),
            unary: pool(UNARY_WINDOW_BYTES, unary),
            streams: pool(STREAM_WINDOW_BYTES, streams),
            address,
        }
    }

    /// Sends a request when there is a place for it. With the answer comes how it ended, of a stream what its head
    /// says of that.
    ///
    /// # Errors
    /// [`Failure`], if there is no answer.
    pub(crate) async fn call(
        &self,
        kind: Kind,
        framing: Framing,
        mut request: Request<Body>,
    ) -> Result<(Response<Body>, Code), Failure> {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = self.address.of(path);
        *request.version_mut() = Version::HTTP_2;
        match kind {
            Kind::Unary => {
                let response = self.unary.call(request).await?;
                let ending = Ending::of(framing, &response);
                let (parts, body) = response.into_parts();
                let body = read_ahead(body).await;
                let code = body.code(ending);
                Ok((Response::from_parts(parts, Body::new(body)), code))
            }
            Kind::Stream => {
                let response = self.streams.call(request).await?;
                let code = Ending::of(framing, &response).told().unwrap_or(Code::Ok);
                Ok((response, code))
            }
        }
    }
}

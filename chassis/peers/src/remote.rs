//! A peer in another process. Its unary calls and its streams have connections of their own, so
//! that however many watch, whoever calls is not held up, by a place or by a window.

use axum::body::Body;
use http::{Request, Response, Version};

use crate::ahead::read_ahead;
use crate::connect::{Address, Dialer};
use crate::pool::{Bounds, Failure, Pool};

/// How many messages an rpc has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One each way.
    Unary,
    /// More, for as long as both sides like.
    Stream,
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
#[derive(Clone)]
pub(crate) struct Remote {
    address: Address,
    unary: Pool,
    streams: Pool,
}

impl Remote {
    pub(crate) fn new(peer: &'static str, address: Address) -> Self {
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
            unary: pool(UNARY_WINDOW_BYTES, unary),
            streams: pool(STREAM_WINDOW_BYTES, streams),
            address,
        }
    }

    /// Sends a request when there is a place for it.
    ///
    /// # Errors
    /// [`Failure`], if there is no answer.
    pub(crate) async fn call(
        &self,
        kind: Kind,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Failure> {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = self.address.of(path);
        *request.version_mut() = Version::HTTP_2;
        match kind {
            Kind::Unary => {
                let (parts, body) = self.unary.call(request).await?.into_parts();
                Ok(Response::from_parts(parts, read_ahead(body).await))
            }
            Kind::Stream => self.streams.call(request).await,
        }
    }
}

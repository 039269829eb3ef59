//! Connections to a peer in another process: HTTP/2 with prior knowledge.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use endpoints::Address;
use hyper::client::conn::http2;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serve::Corked;
use tokio::net::TcpStream;
use tower::ServiceExt;

const HEADER_LIST_BYTES: u32 = 16 << 10;

/// Streams on one connection at most, however many its peer would take.
pub(crate) const STREAMS_MAX: usize = 100;

/// How soon it is noticed that nobody is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// With a connection that is being made.
    pub(crate) connect: Duration,
    /// After so long a silence, while somebody waits for an answer, a connection is asked whether it lives ...
    pub(crate) silence: Duration,
    /// ... and must say so within this.
    pub(crate) pong: Duration,
}

/// The half of a connection that requests are given to.
pub(crate) type Sender = http2::SendRequest<Body>;
/// The half that must be polled for them to leave.
pub(crate) type Driver = http2::Connection<TokioIo<Corked<TcpStream>>, Body, TokioExecutor>;

/// Makes connections to one address, on which the requests of many calls leave together.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    address: Address,
    connector: HttpConnector,
    connect_max: Duration,
    http2: http2::Builder<TokioExecutor>,
}

impl Dialer {
    /// Its connections let a peer send `stream_window_bytes` of each answer ahead of who reads it.
    pub(crate) fn new(address: Address, stream_window_bytes: u32, patience: Patience) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .initial_stream_window_size(stream_window_bytes)
            // As much as all streams together: whoever does not read holds back nobody else.
            .initial_connection_window_size(stream_window_bytes * STREAMS_MAX as u32)
            .initial_max_send_streams(STREAMS_MAX)
            .max_header_list_size(HEADER_LIST_BYTES)
            .keep_alive_interval(patience.silence)
            .keep_alive_timeout(patience.pong)
            .keep_alive_while_idle(false);
        Self {
            address,
            connector,
            connect_max: patience.connect,
            http2,
        }
    }

    /// Makes a connection.
    ///
    /// # Errors
    /// Nobody listens, or nobody answers in time.
    pub(crate) async fn dial(&self) -> Result<(Sender, Driver), Box<dyn Error + Send + Sync>> {
        let connecting = self.connector.clone().oneshot(self.address.uri(None));
        // The connector's own bound leaves out who asks where a name leads, which may hang as well.
        let connected = tokio::time::timeout(self.connect_max, connecting).await??;
        let io = TokioIo::new(Corked::new(connected.into_inner()));
        Ok(self.http2.handshake(io).await?)
    }
}

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection could be made: the request never left.
    #[error("no connection could be made")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
    /// The connection broke: nothing is known of the request's effect.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    /// The stream was reset, as when a head is too long: likewise, but it says nothing of the peer.
    #[error("the stream was reset")]
    Reset(#[source] hyper::Error),
    /// Every place is taken, and every place to wait for one.
    #[error("all connections are full")]
    Full,
}

impl Failure {
    /// What a request came to that left and was not answered.
    pub(crate) fn of(error: hyper::Error) -> Self {
        let cause = error.source().and_then(|cause| cause.downcast_ref());
        match cause.is_some_and(h2::Error::is_reset) {
            true => Self::Reset(error),
            false => Self::Broken(error),
        }
    }

    /// Nobody said in time where the peer is.
    pub(crate) fn nowhere() -> Self {
        let nowhere: Box<dyn Error + Send + Sync> = "its address is not known".into();
        Self::Unreachable(nowhere.into())
    }
}

//! Connections to a peer in another process: HTTP/2 with prior knowledge.

use std::error::Error;
use std::net::{Shutdown, TcpStream as Socket};
use std::os::fd::AsFd;
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
pub const STREAMS_MAX: usize = 100;

/// How soon it is noticed that nobody is there.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// With a connection that is being made.
    pub connect: Duration,
    /// After so long a silence, while somebody waits for an answer, a connection is asked whether it lives ...
    pub silence: Duration,
    /// ... and must say so within this.
    pub pong: Duration,
}

/// The half of a connection that requests are given to.
pub(crate) type Sender = http2::SendRequest<Body>;
/// The half that must be polled for them to leave.
pub(crate) type Driver = http2::Connection<TokioIo<Corked<TcpStream>>, Body, TokioExecutor>;

/// A connection that was made.
pub(crate) struct Dialed {
    pub(crate) sender: Sender,
    pub(crate) driver: Driver,
    pub(crate) cutter: Cutter,
}

/// Another handle of a connection's socket, by which it is ended with all that it carries.
pub(crate) struct Cutter(Socket);

impl Cutter {
    pub(crate) fn cut(self) {
        // One that is over needs no end.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Makes connections to one address, on which the requests of many calls leave together.
#[derive(Clone, Debug)]
pub struct Dialer {
    address: Address,
    connector: HttpConnector,
    connect_max: Duration,
    http2: http2::Builder<TokioExecutor>,
}

impl Dialer {
    /// Its connections let a peer send `stream_window_bytes` of each answer ahead of who reads it.
    pub fn new(address: Address, stream_window_bytes: u32, patience: Patience) -> Self {
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
    pub(crate) async fn dial(&self) -> Result<Dialed, Box<dyn Error + Send + Sync>> {
        let connecting = self.connector.clone().oneshot(self.address.uri(None));
        // The connector's own bound leaves out who asks where a name leads, which may hang as well.
        let connected = tokio::time::timeout(self.connect_max, connecting).await??;
        let socket = connected.into_inner();
        let cutter = Cutter(socket.as_fd().try_clone_to_owned()?.into());
        let io = TokioIo::new(Corked::new(socket));
        let (sender, driver) = self.http2.handshake(io).await?;
        Ok(Dialed {
            sender,
            driver,
            cutter,
        })
    }
}

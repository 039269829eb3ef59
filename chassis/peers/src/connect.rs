//! Connections to a peer in another process: HTTP/2 with prior knowledge.

use std::time::Duration;

use axum::body::Body;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use hyper::client::conn::http2;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serve::Corked;
use tokio::net::TcpStream;
use tower::ServiceExt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
const HEADER_LIST_BYTES: u32 = 16 << 10;

/// Streams on one connection at most, however many its peer would take.
pub(crate) const STREAMS_MAX: usize = 100;

/// Where a peer listens: `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Authority);

/// An address that is none.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a peer's address such as http://127.0.0.1:5004")]
pub struct BadAddress(String);

impl std::str::FromStr for Address {
    type Err = BadAddress;

    fn from_str(address: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(address.to_owned());
        let uri: Uri = address.parse().map_err(|_| bad())?;
        let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/");
        let authority = uri
            .authority()
            .filter(|authority| authority.port_u16().is_some());
        authority
            .filter(|_| plain)
            .cloned()
            .map(Self)
            .ok_or_else(bad)
    }
}

impl Address {
    /// The same request at this address.
    pub(crate) fn of(&self, path: Option<PathAndQuery>) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.0.clone());
        parts.path_and_query = path.or_else(|| Some(PathAndQuery::from_static("/")));
        Uri::from_parts(parts).unwrap_or_default() // scheme, host and path are whole
    }
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
    http2: http2::Builder<TokioExecutor>,
}

impl Dialer {
    /// Its connections let a peer send `stream_window_bytes` of each answer ahead of who reads it.
    pub(crate) fn new(address: Address, stream_window_bytes: u32) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .initial_stream_window_size(stream_window_bytes)
            // As much as all streams together: whoever does not read holds back nobody else.
            .initial_connection_window_size(stream_window_bytes * STREAMS_MAX as u32)
            .initial_max_send_streams(STREAMS_MAX)
            .max_header_list_size(HEADER_LIST_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false);
        Self {
            address,
            connector,
            http2,
        }
    }

    /// Makes a connection.
    ///
    /// # Errors
    /// Nobody listens, or nobody answers within two seconds.
    pub(crate) async fn dial(
        &self,
    ) -> Result<(Sender, Driver), Box<dyn std::error::Error + Send + Sync>> {
        let connecting = self.connector.clone().oneshot(self.address.of(None));
        let io = connecting.await?.into_inner();
        let io = TokioIo::new(Corked::new(io));
        Ok(self.http2.handshake(io).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: C10
    #[test]
    fn an_address_has_a_scheme_a_host_and_a_port() {
        assert!("http://127.0.0.1:5004".parse::<Address>().is_ok());
        assert!("http://inventory:5000/".parse::<Address>().is_ok());
        for bad in [
            "",
            "inventory",
            "inventory:5000",
            "http://inventory",
            "https://a:1",
            "http://a:1/x",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }
}

//! A peer in another process: HTTP/2 with prior knowledge over few, shared connections,
//! made when they are needed and made again when they break.

use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use futures::future::BoxFuture;
use http::uri::Authority;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serve::Corked;
use tokio::net::TcpStream;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
const HEADER_LIST_BYTES: u32 = 16 << 10;

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

/// The way to one peer.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    address: Address,
    client: Client<Connector, Body>,
}

/// Makes connections on which the requests of many calls leave together.
#[derive(Clone, Debug)]
struct Connector(HttpConnector);

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Corked<TcpStream>>;
    type Error = <HttpConnector as tower::Service<Uri>>::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let io = connecting.await?.into_inner();
            Ok(TokioIo::new(Corked::new(io)))
        })
    }
}

impl Remote {
    pub(crate) fn new(address: Address) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_only(true)
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_max_header_list_size(HEADER_LIST_BYTES)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_keep_alive_while_idle(false)
            .build(Connector(connector));
        Self { address, client }
    }

    /// Sends a request. An error is one of transport: nothing is known of its effect.
    pub(crate) async fn call(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(http::uri::Scheme::HTTP);
        uri.authority = Some(self.address.0.clone());
        if let Ok(uri) = Uri::from_parts(uri) {
            *request.uri_mut() = uri;
        }
        *request.version_mut() = http::Version::HTTP_2;
        self.client.request(request).await
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

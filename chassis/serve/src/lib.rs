//! Our own accept loop: `axum::serve` has no header timeout, no connection cap, no HTTP/2
//! limits, no connection age and no bound on its drain.

mod connection;
mod cork;
mod flood;
mod requests;
mod sniff;
mod unread;
mod upgraded;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use edge::{App, ClientAddress};

pub use cork::Corked;
pub use flood::taken_back_max;

/// How connections are treated. The defaults are those that ship.
#[derive(Clone)]
pub struct Serve {
    /// How long a client may take for its first bytes, for a TLS handshake, and for the
    /// head of a request from its first byte: at most this, and at least seven eighths of it.
    pub header_timeout: Duration,
    /// How long an HTTP/1 connection may rest between two requests.
    pub idle_max: Duration,
    /// Connections at once.
    pub connections_max: usize,
    /// Connections at once from one address (IPv6: from one /64): more than a gateway has to one peer.
    pub connections_per_address_max: usize,
    /// How long an answer may wait for its reader, who takes at most 16 KiB at once. Then it is given up, and its
    /// connection is asked to end.
    pub unread_max: Duration,
    /// The age at which a connection is asked to end, give or take a tenth, so that
    /// clients do not stay pinned to one replica.
    pub age_max: Duration,
    /// How long a connection that was asked to end may finish what it carries.
    pub grace: Duration,
    /// How long a stopping server waits for all connections.
    pub drain_max: Duration,
    /// TLS, where this listener has it.
    pub tls: Option<TlsAcceptor>,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_max: Duration::from_secs(60),
            connections_max: 10_000,
            connections_per_address_max: 128,
            unread_max: Duration::from_secs(30),
            age_max: Duration::from_secs(15 * 60),
            grace: Duration::from_secs(30),
            drain_max: Duration::from_secs(10),
            tls: None,
        }
    }
}

/// Where connections come from: a TCP listener, or a simulated one.
pub trait Accept: Send {
    /// One connection's bytes.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and its peer's address.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (io, peer) = TcpListener::accept(self).await?;
        io.set_nodelay(true)?;
        Ok((io, peer))
    }
}

/// Connections from one address once half of all are taken, so that few addresses cannot take the rest from many.
const SCARCE_PER_ADDRESS_MAX: usize = 16;
/// How long the listener of a stopping server may take to say that nobody waits at it.
const LAST_CALL: Duration = Duration::from_millis(5);
/// Whom a stopping server still lets in at most: as many as tokio lets wait at a listener.
const LET_IN_AT_LAST_MAX: usize = 1024;

/// Serves `app` until `stop` is cancelled, then lets in who is connected already, closes the listener, asks
/// every connection to end, waits for them at most [`Serve::drain_max`], and cuts what is left.
pub async fn serve(mut listener: impl Accept, app: App, config: Serve, stop: CancellationToken) {
    let config = Arc::new(config);
    let places = Places::new(&config);
    let (connections, cut) = (TaskTracker::new(), CancellationToken::new());
    // Cancelled when the listener is closed: who is told to leave sooner comes back to a listener that resets
    // him, instead of one that is not there.
    let closed = CancellationToken::new();
    let admit = |io, peer: SocketAddr| {
        let Some(place) = places.take(peer.ip(), app.is_proxy(peer.ip())) else {
            debug!(%peer, "Refused a connection: too many");
            metrics::counter!("rpc_connections_refused_total").increment(1);
            return;
        };
        let (app, config, closed, cut) = (app.clone(), config.clone(), closed.clone(), cut.clone());
        connections.spawn(async move {
            let serving = connection::serve(io, peer, app, &config, closed);
            tokio::select! {
                () = serving => {}
                () = cut.cancelled() => {}
            }
            drop(place);
        });
    };
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((io, peer)) => admit(io, peer),
            Err(error) => {
                // Out of descriptors, most likely: others must end before it gets better.
                warn!(%error, "A connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    let by = tokio::time::Instant::now() + config.drain_max;
    // Whom the kernel has let in would be reset with the listener, and his first call with him.
    for _ in 0..LET_IN_AT_LAST_MAX {
        if tokio::time::Instant::now() >= by {
            break;
        }
        match tokio::time::timeout(LAST_CALL, listener.accept()).await {
            Ok(Ok((io, peer))) => admit(io, peer),
            Ok(Err(_)) => {} // he left again
            Err(_) => break,
        }
    }
    drop(listener);
    closed.cancel();
    connections.close();
    if tokio::time::timeout_at(by, connections.wait())
        .await
        .is_err()
    {
        warn!(
            left = connections.len(),
            "Cut connections that did not end in time"
        );
        cut.cancel();
        connections.wait().await;
    }
}

/// Counts connections, all and by address.
#[derive(Clone)]
struct Places(Arc<PlacesInner>);

struct PlacesInner {
    max: usize,
    per_address_max: usize,
    taken: Mutex<(usize, HashMap<ClientAddress, usize>)>,
}

impl Places {
    fn new(config: &Serve) -> Self {
        Self(Arc::new(PlacesInner {
            max: config.connections_max,
            per_address_max: config.connections_per_address_max,
            taken: Mutex::default(),
        }))
    }

    /// A place for a connection from there; a proxy of this deployment is many clients.
    fn take(&self, address: IpAddr, is_proxy: bool) -> Option<Place> {
        let address = ClientAddress::of(address);
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_address) = &mut *taken;
        let here = by_address.get(&address).copied().unwrap_or(0);
        let scarce = *all >= self.0.max / 2;
        let here_max = match scarce {
            true => self.0.per_address_max.min(SCARCE_PER_ADDRESS_MAX),
            false => self.0.per_address_max,
        };
        if *all >= self.0.max || (!is_proxy && here >= here_max) {
            return None;
        }
        *all += 1;
        by_address.insert(address, here + 1);
        Some(Place {
            places: self.clone(),
            address,
        })
    }
}

struct Place {
    places: Places,
    address: ClientAddress,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self
            .places
            .0
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (all, by_address) = &mut *taken;
        *all -= 1;
        if let Some(here) = by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: S-14
    #[test]
    fn places_are_bounded_by_address_and_in_all_and_come_back() {
        let config = Serve {
            connections_max: 3,
            connections_per_address_max: 2,
            ..Serve::default()
        };
        let places = Places::new(&config);
        let a: IpAddr = "2001:db8::1".parse().unwrap();
        let same_network: IpAddr = "2001:db8::ffff".parse().unwrap();
        let b: IpAddr = "192.0.2.1".parse().unwrap();
        let held = [places.take(a, false), places.take(same_network, false)];
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(a, false).is_none());
        let other = places.take(a, true);
        assert!(
            other.is_some() && places.take(b, true).is_none(),
            "all are taken"
        );
        drop(held);
        assert!(places.take(a, false).is_some());
        drop(other);
        assert_eq!(places.0.taken.lock().unwrap().1.len(), 0);
    }
}

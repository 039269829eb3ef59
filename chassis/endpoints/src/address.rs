//! Where one replica listens.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Where somebody listens: `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Authority);

/// An address that is none.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an address such as inventory:5000")]
pub struct BadAddress(String);

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(text.to_owned());
        let authority: Authority = text.parse().map_err(|_| bad())?;
        let whole = !authority.host().is_empty()
            && authority.port_u16().is_some_and(|port| port > 0)
            && !authority.as_str().contains('@');
        whole.then_some(Self(authority)).ok_or_else(bad)
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        let text = address.to_string();
        Self(text.parse().expect("it has an address and a port"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Address {
    /// The name, or the number, before the port; that of IPv6 without its brackets.
    pub fn host(&self) -> &str {
        self.0.host().trim_matches(['[', ']'])
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or_default() // it has one, or it were no address
    }

    /// A path at this address, without TLS.
    pub fn uri(&self, path: Option<PathAndQuery>) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.0.clone());
        parts.path_and_query = path.or_else(|| Some(PathAndQuery::from_static("/")));
        Uri::from_parts(parts).unwrap_or_default() // scheme, host and path are whole
    }
}

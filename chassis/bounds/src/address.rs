//! From which address a call comes, as far as one client may choose it. The connection says it, unless whoever is at its
//! other end may hand on the address of somebody else: one of our own services, by its token, or a proxy of this
//! deployment, by its address. No header counts from anybody else.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The addresses that a request came through, the last one at the right.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The token of one of our services that hands on an address, as in `authorization`.
pub const FORWARDER: HeaderName = HeaderName::from_static("x-stoa-forwarder");

/// Where a request comes from: an IPv6 host has a whole /64 to choose from. An extension of the request, which its
/// connection sets, and the edge once it knows better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// That of a peer at this address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
            v4 => v4,
        })
    }
}

impl ClientAddress {
    /// The network that one of its kind of customer may have all of: a /24, of IPv6 a /48.
    #[must_use]
    pub fn network(self) -> Self {
        Self(match self.0 {
            IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & (u32::MAX << 8)).into()),
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 80)).into()),
        })
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address at the other end of a connection, as it is. An extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub IpAddr);

/// The proxies of this deployment, by address or network. None by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// What is no network.
#[derive(Debug, thiserror::Error)]
#[error("an entry that is no address such as 10.0.0.7 and no network such as 10.0.0.0/8")]
pub struct BadNetwork;

impl TrustedProxies {
    /// Reads addresses and networks.
    ///
    /// # Errors
    /// [`BadNetwork`], the first that is none.
    pub fn new(networks: &[String]) -> Result<Self, BadNetwork> {
        let network = |text: &String| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| text.parse()).map_err(|_| BadNetwork)
        };
        networks
            .iter()
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether one of them is at that address.
    pub fn have(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address that a request counts for which hands on nobody else's but a proxy's.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        ClientAddress::of(self.behind(peer, headers))
    }

    /// The right-most address that is no proxy of ours; the last one that could be read if there is none.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut last = peer;
        if !self.have(peer) {
            return peer; // as nearly always
        }
        for address in forwarded(headers) {
            if !self.have(last) {
                break;
            }
            match address {
                Some(address) => last = address,
                None => break,
            }
        }
        last
    }
}

/// The addresses in `x-forwarded-for`, from right to left; none for what is no address.
pub fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let values = headers.get_all(FORWARDED_FOR).iter();
    let lines: Vec<&str> = values
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    let entries = lines.into_iter().rev().flat_map(|line| line.rsplit(','));
    entries.map(|entry| parse(entry.trim()))
}

/// An address, with a port or without.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    let with_port = |entry: &str| entry.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port(entry)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(proxies: &[&str], peer: &str, lines: &[&str]) -> String {
        let proxies: Vec<String> = proxies.iter().map(|&text| text.to_owned()).collect();
        let proxies = TrustedProxies::new(&proxies).unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        proxies.behind(peer.parse().unwrap(), &headers).to_string()
    }

    /// row: X12, S-07
    #[test]
    fn an_ipv6_host_is_its_whole_network_and_no_other() {
        let of = |text: &str| ClientAddress::of(text.parse().unwrap());
        let home = of("2001:db8:0:7::1");
        for same in ["2001:db8:0:7::", "2001:db8:0:7:ffff:ffff:ffff:ffff"] {
            assert_eq!(of(same), home, "{same}");
        }
        for other in ["2001:db8:0:6::1", "2001:db8:0:8::1", "2001:db8:1:7::1"] {
            assert_ne!(of(other), home, "{other}");
        }
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"), "an IPv4 host is itself");
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"), "however written");
    }

    /// row: X12, S-07
    #[test]
    fn nobody_chooses_an_address_but_the_proxies_of_this_deployment() {
        let ours = &["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"][..];
        for (proxies, peer, lines, address) in [
            (&[][..], "10.0.0.1", &["1.1.1.1"][..], "10.0.0.1"),
            (ours, "203.0.113.9", &["1.1.1.1"], "203.0.113.9"),
            (ours, "10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            (ours, "10.0.0.1", &["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
            (ours, "10.0.0.1", &["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
            (ours, "10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.9.9.9"], "1.1.1.1"),
            (
                ours,
                "10.0.0.1",
                &["1.1.1.1, 192.0.2.1,10.2.2.2"],
                "1.1.1.1",
            ),
            (ours, "10.0.0.1", &["10.0.0.5"], "10.0.0.5"),
            (ours, "10.0.0.1", &[], "10.0.0.1"),
            (ours, "10.0.0.1", &["6.6.6.6, unknown"], "10.0.0.1"),
            (
                ours,
                "10.0.0.1",
                &["6.6.6.6, unknown, 10.0.0.7"],
                "10.0.0.7",
            ),
            (ours, "10.0.0.1", &["1.1.1.1:8080"], "1.1.1.1"),
            (ours, "10.0.0.1", &["[2001:dead::1]:443"], "2001:dead::1"),
            (ours, "2001:db8::1", &["2001:dead::1"], "2001:dead::1"),
            (ours, "::ffff:10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
        ] {
            assert_eq!(behind(proxies, peer, lines), address, "{peer} {lines:?}");
        }
        let many = "6.6.6.6,".repeat(2000) + "1.1.1.1";
        assert_eq!(behind(ours, "10.0.0.1", &[&many]), "1.1.1.1");
        for bad in ["", "10.0.0", "10.0.0.0/33", "localhost"] {
            assert!(TrustedProxies::new(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}

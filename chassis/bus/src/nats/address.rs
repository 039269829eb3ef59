//! Where a broker is.

use std::fmt;
use std::str::FromStr;

use async_nats::ServerAddr;

/// What all names begin with, where the address does not say.
const PREFIX: &str = "stoa";
const PREFIX_BYTES_MAX: usize = 32;

/// Where a broker is, and what all names there begin with: `nats://HOST:4222`, `tls://USER:PASSWORD@HOST:4222/SHOP`.
#[derive(Clone)]
pub struct NatsAddress {
    pub(super) server: ServerAddr,
    pub(super) prefix: String,
}

/// The text is no address of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no address of a broker: write nats://HOST:PORT, or tls://USER:PASSWORD@HOST:PORT/PREFIX"
)]
pub struct BadBrokerAddress;

impl FromStr for NatsAddress {
    type Err = BadBrokerAddress;

    fn from_str(text: &str) -> Result<Self, BadBrokerAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(BadBrokerAddress)?;
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, PREFIX));
        let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
        let is_name = (1..=PREFIX_BYTES_MAX).contains(&prefix.len()) && prefix.bytes().all(plain);
        if !matches!(scheme, "nats" | "tls") || authority.contains(['?', '#']) || !is_name {
            return Err(BadBrokerAddress);
        }
        let server: ServerAddr = format!("{scheme}://{authority}")
            .parse()
            .map_err(|_| BadBrokerAddress)?;
        if server.host().is_empty() {
            return Err(BadBrokerAddress);
        }
        Ok(Self {
            server,
            prefix: prefix.to_owned(),
        })
    }
}

/// Without what is secret in it.
impl fmt::Debug for NatsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.server.host(), self.server.port());
        write!(f, "{host}:{port}/{}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        for (text, shown) in [
            ("nats://127.0.0.1:4222", "127.0.0.1:4222/stoa"),
            ("nats://bus.example", "bus.example:4222/stoa"),
            (
                "tls://ada:secret@bus.example:1/shop-2",
                "bus.example:1/shop-2",
            ),
        ] {
            let address: NatsAddress = text.parse().expect(text);
            assert_eq!(format!("{address:?}"), shown);
        }
        for text in [
            "",
            "nats://",
            "nats:///stoa",
            "bus.example:4222",
            "kafka://bus.example",
            "nats://bus.example/",
            "nats://bus.example/a.b",
            "nats://bus.example/a/b",
            "nats://bus.example/a*",
            "nats://bus.example?tls=1",
            "nats://bus.example:port",
        ] {
            assert!(text.parse::<NatsAddress>().is_err(), "{text}");
        }
    }
}

//! Where a broker is.

use std::fmt;
use std::str::FromStr;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

/// What all names begin with, where the address does not say.
const PREFIX: &str = "stoa";
const PREFIX_BYTES_MAX: usize = 32;

/// Where a broker is, who we are there, and what all names there begin with: `nats://HOST:4222`,
/// `tls://USER:PASSWORD@HOST:4222/SHOP`, `tls://TOKEN@HOST:4222`. What an address cannot hold as it is, `@`, `:`, `/`
/// and `%`, is written in percent form.
#[derive(Clone)]
pub struct NatsAddress {
    /// Without what is secret: the library writes it into its log, and takes no user from it.
    pub(super) server: ServerAddr,
    login: Login,
    pub(super) prefix: String,
}

/// Who we are to a broker.
#[derive(Clone)]
enum Login {
    Nobody,
    Token(String),
    User(String, String),
}

/// The text is no address of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no address of a broker: write nats://HOST:PORT, or tls://USER:PASSWORD@HOST:PORT/PREFIX, \
     with %40 for @, %3A for :, %2F for / and %25 for % in a password"
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
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Login::read(login)?, host),
            None => (Login::Nobody, authority),
        };
        let server: ServerAddr = format!("{scheme}://{host}")
            .parse()
            .map_err(|_| BadBrokerAddress)?;
        if server.host().is_empty() {
            return Err(BadBrokerAddress);
        }
        Ok(Self {
            server,
            login,
            prefix: prefix.to_owned(),
        })
    }
}

impl NatsAddress {
    /// How to say who we are.
    pub(super) fn options(&self) -> ConnectOptions {
        match self.login.clone() {
            Login::Nobody => ConnectOptions::new(),
            Login::Token(token) => ConnectOptions::with_token(token),
            Login::User(name, password) => ConnectOptions::with_user_and_password(name, password),
        }
    }
}

impl Login {
    fn read(text: &str) -> Result<Self, BadBrokerAddress> {
        let plain = |part: &str| {
            let part = percent_decode_str(part).decode_utf8();
            part.ok()
                .filter(|part| !part.is_empty())
                .map(String::from)
                .ok_or(BadBrokerAddress)
        };
        Ok(match text.split_once(':') {
            Some((name, password)) => Self::User(plain(name)?, plain(password)?),
            None => Self::Token(plain(text)?),
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
            let server = format!("{:?}", address.server);
            assert!(
                !server.contains("secret") && !server.contains("ada"),
                "{server}"
            );
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
            "nats://@bus.example",
            "nats://ada:@bus.example",
            "nats://:secret@bus.example",
            "nats://ada:se%ffcret@bus.example",
        ] {
            assert!(text.parse::<NatsAddress>().is_err(), "{text}");
        }
    }
}

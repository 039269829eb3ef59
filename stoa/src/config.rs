//! Configuration: defaults < `stoa.toml` < `STOA_*` < flags.
//!
//! Everything is read once, checked whole, and refused with the name of the
//! key before any port is bound or file opened. No other crate reads the
//! environment.

mod broker;
mod database;
mod error;
mod issuer;
mod layers;
mod list;
mod peer;
mod seconds;
mod section;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use bus::NatsAddress;
use serde::Deserialize;

use crate::services::{SERVICES, Target};

pub use error::{EXIT_CODE, Error};
pub use issuer::IdentityProvider;
pub use layers::Sources;
pub use peer::{Peer, usual_timeout};
pub use seconds::PRE_STOP_SECONDS_MAX;
pub use section::Section;

/// Everything a command may need to know.
#[derive(Debug)]
pub struct Config {
    /// The general keys, on the top level of the file.
    pub general: General,
    /// Where the peers of this process are, and how they are asked, by service.
    pub peers: BTreeMap<&'static str, Peer>,
    /// Whose tokens of people are taken beside the user service's.
    pub issuers: Vec<IdentityProvider>,
    /// `[user]` and so on, by service.
    sections: BTreeMap<&'static str, Section>,
    /// `[gateway]`, which has no database.
    pub gateway: gateway::Config,
}

/// How careful to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// This machine only, demo data, generated keys.
    #[default]
    Dev,
    /// Refuses values that are insecure.
    Production,
}

impl Profile {
    /// The name, as the `env` of log lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Production => "production",
        }
    }
}

/// The keys on the top level of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct General {
    /// `dev` or `production`. Default `dev`.
    pub profile: Profile,
    /// Address to listen on. Default 127.0.0.1 in `dev`, all addresses in `production`.
    pub bind: Option<IpAddr>,
    /// Public port. Default 8080, or the service's own.
    pub port: Option<u16>,
    /// Address of the admin listener. Default 127.0.0.1.
    pub admin_bind: IpAddr,
    /// Port of the admin listener. Default 9090, or the service's own.
    pub admin_port: Option<u16>,
    /// Folder for SQLite files and keys. Default `stoa-data`.
    pub data: PathBuf,
    /// Log level or directives. Default `info`.
    pub log: String,
    /// `auto`, `json` or `pretty`. Default `auto`.
    pub log_format: telemetry::Format,
    /// File with the key of page tokens, at least 32 bytes; replicas share it.
    /// Default: made in the data folder in `dev`, required in `production`.
    pub page_key_file: Option<PathBuf>,
    /// Seconds between SIGTERM and the listener's end, while the target is
    /// already not ready. Default 0 in `dev`, 5 in `production`.
    #[serde(rename = "pre_stop_seconds", deserialize_with = "seconds::before_stop")]
    pub pre_stop: Option<Duration>,
    /// Seconds for which a peer in another process that failed is not asked at most. Default 5.
    #[serde(
        rename = "breaker_open_seconds",
        deserialize_with = "seconds::of_a_breaker"
    )]
    pub breaker_open: Option<Duration>,
    /// Addresses and networks of the proxies before this process, whose `x-forwarded-for` counts. Default none.
    #[serde(deserialize_with = "list::strings")]
    pub trusted_proxies: Vec<String>,
    /// How often a client may ask: `usual`, `off`, or a rate such as `100/15m`. Default `usual`.
    pub rate_limit: edge::RateLimit,
    /// The broker that brings facts from one process to another: `nats://HOST:PORT`, `tls://USER:PASSWORD@HOST:PORT/PREFIX`.
    /// Default none: they stay within their process.
    #[serde(deserialize_with = "broker::address")]
    pub bus: Option<NatsAddress>,
    /// Which web pages of other origins may call.
    pub cors: CorsConfig,
    /// What may go wrong on purpose.
    pub faults: FaultsConfig,
    /// Keys of the tokens that services show each other.
    pub service_tokens: ServiceTokens,
}

/// The section `[faults]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultsConfig {
    /// Whether `stoa fault set` is obeyed in `production`. Default no.
    pub enabled: bool,
}

/// The section `[cors]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsConfig {
    /// Exact origins, such as `https://shop.example`. Default none.
    #[serde(deserialize_with = "list::strings")]
    pub origins: Vec<String>,
}

/// The section `[service_tokens]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceTokens {
    /// PKCS#8 file with this target's Ed25519 key. Default: made in the data
    /// folder in `dev`, required in `production`.
    pub key_file: Option<PathBuf>,
    /// Folder with the public keys of all services, `<service>.pub` each.
    /// Default: the data folder's in `dev`, required in `production`.
    pub public_keys: Option<PathBuf>,
}

impl Default for General {
    fn default() -> Self {
        Self {
            profile: Profile::Dev,
            bind: None,
            port: None,
            admin_bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            admin_port: None,
            data: PathBuf::from("stoa-data"),
            log: "info".to_owned(),
            log_format: telemetry::Format::Auto,
            page_key_file: None,
            pre_stop: None,
            breaker_open: None,
            trusted_proxies: Vec::new(),
            rate_limit: edge::RateLimit::Usual,
            bus: None,
            cors: CorsConfig::default(),
            faults: FaultsConfig::default(),
            service_tokens: ServiceTokens::default(),
        }
    }
}

impl General {
    /// Whose pages may call from a browser.
    ///
    /// # Errors
    /// An entry is no origin.
    pub fn cors(&self) -> Result<edge::Cors, Error> {
        edge::Cors::new(&self.cors.origins)
            .map_err(|error| Error::new("cors.origins", format!("has {error}")))
    }

    /// The proxies in front.
    ///
    /// # Errors
    /// An entry is no address and no network.
    pub fn proxies(&self) -> Result<edge::TrustedProxies, Error> {
        edge::TrustedProxies::new(&self.trusted_proxies)
            .map_err(|error| Error::new("trusted_proxies", format!("has {error}")))
    }

    /// The address to listen on.
    pub fn bind(&self) -> IpAddr {
        self.bind.unwrap_or(match self.profile {
            Profile::Dev => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Profile::Production => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        })
    }

    /// For how long a peer that failed is not asked at most.
    pub fn breaker_open(&self) -> Duration {
        self.breaker_open.unwrap_or(Duration::from_secs(5)) // a restart takes two
    }

    /// Where the SQLite file of a service lies.
    pub fn database_file(&self, service: &str) -> PathBuf {
        self.data.join(format!("{service}.db"))
    }
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    ///
    /// An unknown key, a value of the wrong form, or one that the profile
    /// refuses: the error names the key.
    pub fn load(sources: &Sources) -> Result<Self, Error> {
        let mut table = layers::merged(sources)?;
        let mut peers = peer::take(&mut table)?;
        peer::service_variables(&sources.environment, &mut peers)?;
        let issuers = issuer::take(&mut table)?;
        layers::soften_for_dev(&mut table)?;
        let sections = SERVICES.iter().map(|slice| {
            let section = section::take(&mut table, slice)?;
            Ok((slice.name, section))
        });
        let sections: Result<_, Error> = sections.collect();
        let config = Self {
            peers,
            issuers,
            sections: sections?,
            gateway: section::plain(&mut table, "gateway")?,
            general: layers::general(table)?,
        };
        config.check()?;
        Ok(config)
    }

    /// The section of a service.
    pub fn of(&self, service: &str) -> &Section {
        self.sections.get(service).expect("every service has one")
    }

    /// The settings of a service, for who works on its rows without it.
    pub fn settings<C: slice::Settings>(&self, service: &str) -> &C {
        let settings = self.of(service).ready.settings();
        settings.expect("they are those of this service")
    }

    /// Where a service keeps its rows: the configured URL, or in `dev` a file
    /// in the data folder.
    ///
    /// # Errors
    ///
    /// No URL in `production`.
    pub fn database(&self, service: &str) -> Result<sql::Config, Error> {
        match (&self.of(service).database, self.general.profile) {
            (Some(configured), _) => Ok(configured.clone()),
            (None, Profile::Dev) => {
                let file = self.general.database_file(service);
                Ok(sql::Config::new(format!("sqlite:{}", file.display())))
            }
            (None, Profile::Production) => Err(Error::new(
                format!("{service}.database_url"),
                "is required in production (or database_url_file)",
            )),
        }
    }

    /// Refuses a target whose peers have no address.
    ///
    /// # Errors
    ///
    /// Names the first missing key.
    pub fn check_peers(&self, target: Target) -> Result<(), Error> {
        let mut peers = target.peers().into_iter();
        let nowhere = |peer: &&str| self.peers.get(peer).is_none_or(|peer| peer.url.is_none());
        match peers.find(nowhere) {
            None => Ok(()),
            Some(name) => {
                let upper = name.to_uppercase();
                Err(Error::new(
                    format!("peers.{name}"),
                    format!(
                        "is missing: `stoa serve {}` calls {name}; set STOA_PEERS__{upper}=http://host:port, \
                         or {upper}_SERVICE_HOST and {upper}_SERVICE_PORT",
                        target.name()
                    ),
                ))
            }
        }
    }

    /// What holds for the values together.
    fn check(&self) -> Result<(), Error> {
        let general = &self.general;
        general.cors()?;
        general.proxies()?;
        if general.port.is_some() && general.port == general.admin_port && general.port != Some(0) {
            return Err(Error::new("admin_port", "is the same as port"));
        }
        issuer::check(&self.issuers, general.profile)?;
        if general.profile == Profile::Production && general.rate_limit == edge::RateLimit::Off {
            return Err(Error::new("rate_limit", "is off, which production refuses"));
        }
        if general.profile == Profile::Production && general.page_key_file.is_none() {
            return Err(Error::new("page_key_file", "is required in production"));
        }
        if general.profile == Profile::Production
            && let Some(key) = self
                .sections
                .values()
                .find_map(|section| section.ready.insecure().first())
        {
            return Err(Error::new(
                *key,
                "is weaker than its default, which production refuses",
            ));
        }
        Ok(())
    }
}

//! What a service is to the process that runs it: a name, a port, whom it calls, its settings, and
//! how it is put together.
//!
//! Every service has one `slice()`, and whoever runs services knows them by a list of these and by
//! nothing else. What comes with a database, readiness and housekeeping, is begun here too, so that
//! no service can forget it. Deliberately knows no service.

mod housekeeping;
mod settings;

use std::any::Any;
use std::fmt;

use bus::Bus;
use clock::Clock;
use config_rs::{ConfigError, Value};
use edge::Service;
use peers::Peers;
use sql::Database;
use sql::page::Signer;
use tokio_util::sync::CancellationToken;

pub use housekeeping::{HOUSEKEEPING_EVERY, Sweep, begin, hear};
pub use settings::{Misconfigured, Settings, is_origin, within};

/// What a process hands to each of its services.
#[derive(Clone)]
pub struct Deps {
    /// The service's own database, migrated.
    pub db: Database,
    /// The time, ids and randomness.
    pub clock: Clock,
    /// Brings it the facts that it hears.
    pub bus: Bus,
    /// The way to whom it calls.
    pub peers: Peers,
    /// Signs page tokens and cursors; replicas share its key.
    pub page_signer: Signer,
    /// Ends streams when the process stops.
    pub shutdown: CancellationToken,
}

/// A service, before it has settings.
pub struct Slice {
    /// The short name: in addresses, tokens, logs, metrics, facts, configuration and file names.
    pub name: &'static str,
    /// The port of its own when all run on one machine.
    pub port: u16,
    /// Whom it calls, by name, beside those who tell everybody's keys.
    pub peers: &'static [&'static str],
    read: Box<dyn Fn(Value) -> Result<Ready, Unread> + Send + Sync>,
}

/// A service whose settings were read, and can be.
pub struct Ready {
    settings: Box<dyn Any + Send + Sync>,
    insecure: Vec<&'static str>,
    build: Box<dyn Fn(Deps) -> Result<Service, Misconfigured> + Send + Sync>,
}

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// An unknown key, or a value of another type.
    #[error(transparent)]
    Form(#[from] ConfigError),
    /// A value that cannot be.
    #[error(transparent)]
    Value(#[from] Misconfigured),
}

impl Slice {
    /// The service of that name, which `build` puts together.
    pub fn new<C: Settings>(
        name: &'static str,
        port: u16,
        peers: &'static [&'static str],
        build: impl Fn(C, Deps) -> Result<Service, Misconfigured> + Clone + Send + Sync + 'static,
    ) -> Self {
        let read = move |section: Value| {
            let settings: C = section.try_deserialize()?;
            settings.check()?;
            let insecure = settings.insecure();
            Ok(Ready {
                insecure,
                build: Box::new({
                    let (build, settings) = (build.clone(), settings.clone());
                    move |deps| build(settings.clone(), deps)
                }),
                settings: Box::new(settings),
            })
        };
        let read = Box::new(read);
        Self {
            name,
            port,
            peers,
            read,
        }
    }

    /// Reads the service's section of the configuration.
    ///
    /// # Errors
    /// A key that it does not know, or a value that it refuses.
    pub fn read(&self, section: Value) -> Result<Ready, Unread> {
        (self.read)(section)
    }
}

impl Ready {
    /// The settings, for who works on the service's rows without the service.
    pub fn settings<C: Settings>(&self) -> Option<&C> {
        self.settings.downcast_ref()
    }

    /// The settings that are weaker than their defaults, by key.
    pub fn insecure(&self) -> &[&'static str] {
        &self.insecure
    }

    /// Puts the service together. It asks its database for nothing yet.
    ///
    /// # Errors
    /// None, for settings that were checked.
    pub fn service(&self, deps: Deps) -> Result<Service, Misconfigured> {
        (self.build)(deps)
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slice")
            .field("name", &self.name)
            .field("port", &self.port)
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

//! The services there are, each by its slice. A new one is one more line.

use std::sync::LazyLock;

use slice::Slice;

/// All of them, in the order of their ports.
pub static SERVICES: LazyLock<Vec<Slice>> = LazyLock::new(|| {
    vec![
        user::slice(),
        catalog::slice(),
        pricing::slice(),
        inventory::slice(),
        order::slice(),
        payment::slice(),
        recommendation::slice(),
    ]
});

/// The service of that name.
pub fn service(name: &str) -> Option<&'static Slice> {
    SERVICES.iter().find(|slice| slice.name == name)
}

/// What one process can be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// The pages of the browser, and the way to all services.
    Gateway,
    /// One service alone.
    Service(&'static Slice),
}

impl Target {
    /// All that there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let services = SERVICES.iter().map(Self::Service);
        std::iter::once(Self::Gateway).chain(services)
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|target| target.name() == name)
    }

    /// The service, unless it is the gateway.
    pub fn service(self) -> Option<&'static Slice> {
        match self {
            Self::Gateway => None,
            Self::Service(slice) => Some(slice),
        }
    }

    /// The short name.
    pub fn name(self) -> &'static str {
        self.service().map_or("gateway", |slice| slice.name)
    }

    /// The public port when all run on one machine.
    pub fn port(self) -> u16 {
        self.service().map_or(8080, |slice| slice.port)
    }

    /// The port of the admin listener when all run on one machine.
    pub fn admin_port(self) -> u16 {
        self.service().map_or(9090, |slice| slice.port + 4000)
    }

    /// Whom it calls, by name. Everyone asks `user` for the keys that verify tokens.
    pub fn peers(self) -> Vec<&'static str> {
        match self {
            Self::Gateway => SERVICES.iter().map(|slice| slice.name).collect(),
            Self::Service(slice) if slice.name == user::NAME => Vec::new(),
            Self::Service(slice) => {
                let others = slice.peers.iter().filter(|peer| **peer != user::NAME);
                std::iter::once(&user::NAME)
                    .chain(others)
                    .copied()
                    .collect()
            }
        }
    }
}

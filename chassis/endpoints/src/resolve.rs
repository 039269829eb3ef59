//! Who knows where replicas are.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::address::Address;

/// Why nobody knows.
pub type Unresolved = Box<dyn Error + Send + Sync>;

/// Between two looks; with the longest lookup five seconds.
const PAUSE: Duration = Duration::from_secs(2);
const LOOKUP_MAX: Duration = Duration::from_secs(3);

/// A registry of replicas. It is asked for as long as somebody calls them; while it fails, or knows none, those of
/// its last answer stay.
pub trait Resolve: Debug + Send + Sync {
    /// All addresses there are now. A registry that tells of changes may wait for one, once it has answered.
    fn resolve(&self) -> BoxFuture<'_, Result<Vec<Address>, Unresolved>>;

    /// How long nobody asks after an answer, or after an error.
    fn pause(&self) -> Duration {
        PAUSE
    }
}

/// The A and AAAA records of a name, as this machine looks names up.
#[derive(Clone, Debug)]
pub struct Dns(Address);

impl Dns {
    /// Those of the address's host, at its port.
    pub fn new(name: Address) -> Self {
        Self(name)
    }
}

impl Resolve for Dns {
    fn resolve(&self) -> BoxFuture<'_, Result<Vec<Address>, Unresolved>> {
        let found = tokio::net::lookup_host((self.0.host(), self.0.port()));
        async move {
            let found = tokio::time::timeout(LOOKUP_MAX, found).await??;
            Ok(found.map(Address::from).collect())
        }
        .boxed()
    }
}
